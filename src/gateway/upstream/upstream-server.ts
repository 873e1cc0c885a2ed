import type { RouteTarget } from '../../model/routing.ts';
import { unixTarget } from '../../model/unix-target.ts';
import { basePath } from './target-path.ts';

type HttpTarget = RouteTarget & { readonly kind: 'http' };

/** How a server is asked. */
export interface UpstreamServer {
  /** The path that goes before that of requests, without a slash at the end. */
  readonly base: string;
  /** A server elsewhere is asked by its own name; what is on this machine (undefined) by the one that clients use. */
  readonly foreign: URL | undefined;
}

/** How the server that a target names is asked. */
export function upstreamServer({ url, external }: HttpTarget): UpstreamServer {
  if (!external) return { base: '', foreign: undefined };
  const unix = unixTarget(url);
  if (unix !== undefined) return { base: unix.base, foreign: undefined };
  const foreign = new URL(url);
  return { base: basePath(foreign), foreign };
}

/** What a server may take itself for in a `Location`: its own address, or the public one where it was told that. */
export function serverOrigins(target: HttpTarget, authority: string): string[] {
  const own = unixTarget(target.url) === undefined ? [new URL(target.url).origin] : [];
  const name = authority.toLowerCase();
  return upstreamServer(target).foreign === undefined ? [...own, `http://${name}`, `https://${name}`] : own;
}
