import type { RouteTarget } from '../model/routing.ts';
import { admitRequest } from './admit-request.ts';
import { ANSWERS } from './answer.ts';
import type { AppQueue } from './app-queue.ts';
import { answerCall, type Call } from './call.ts';
import type { CookieRule } from './cookie-rule.ts';
import { holdRequest } from './hold-request.ts';
import type { InFlight } from './in-flight.ts';
import type { Peer } from './peer.ts';
import { proxyRequest } from './proxy-request.ts';
import type { RequestTarget } from './request-target.ts';
import type { LiveRoute } from './route-table.ts';
import { type StaticParts, serveStatic } from './serve-static.ts';
import { basePath, upstreamPath } from './target-path.ts';
import type { Upstreams } from './upstream-pool.ts';
import type { WaitingRoom } from './waiting-room.ts';

/** What apps are served with. */
export interface AppServerDeps {
  readonly upstreams: Upstreams;
  readonly trees: StaticParts;
  readonly inFlight: InFlight;
  readonly room: WaitingRoom;
  readonly queue: AppQueue;
  readonly cookie: CookieRule;
  readonly peerOf: (call: Call) => Peer;
  readonly isDraining: () => boolean;
  /** Finds the route of a request that has waited, from the start. */
  readonly lookAgain: (call: Call) => void;
  readonly onFailed: (call: Call, error: unknown) => void;
}

/** Serves requests of which the route is known, from whatever it leads to. */
export class AppServer {
  readonly #deps: AppServerDeps;

  constructor(deps: AppServerDeps) {
    this.#deps = deps;
  }

  serve(call: Call, route: LiveRoute): void {
    const upstream = route.serve.target;
    if (upstream.kind === 'held') this.#hold(call, route);
    else admitRequest(this.#deps, call, route, () => this.#serveFrom(upstream, call, route));
  }

  #serveFrom(upstream: RouteTarget, call: Call, route: LiveRoute): void {
    const use = this.#deps.inFlight.enter(route.serve.instance);
    call.response.once('close', () => this.#deps.inFlight.leave(use));
    if (upstream.kind === 'http') this.#serveProxied(call, route, upstream);
    else this.#serveTree(call, route, upstream);
  }

  /** What waits is in flight nowhere: the instance that the row still names stops when nothing is on it any more. */
  #hold({ share, ...call }: Call, { row, serve }: LiveRoute): void {
    share?.release();
    const { room, lookAgain, isDraining } = this.#deps;
    const noindex = call.noindex || serve.noindex;
    const refuse = () => {
      if (isDraining()) call.response.shouldKeepAlive = false;
      answerCall({ ...call, noindex }, ANSWERS.held);
    };
    holdRequest(room, { call, place: row, onRow: lookAgain, onRefused: refuse });
  }

  #serveTree(call: Call, route: LiveRoute, tree: RouteTarget & { readonly kind: 'static' }): void {
    const { request, response, target } = call;
    const { decoded, sent } = target.path;
    const rest = route.depth === 0 ? decoded : decoded.slice(route.row.path.length);
    const noindex = call.noindex || route.serve.noindex;
    const wanted = { tree, rest, sentPath: sent, query: target.query, noindex };
    const served = serveStatic(this.#deps.trees, request, response, wanted);
    served?.catch((error: unknown) => this.#deps.onFailed(call, error));
  }

  #serveProxied(call: Call, route: LiveRoute, upstream: RouteTarget & { readonly kind: 'http' }): void {
    const { request, response, target, upgrade } = call;
    const { upstreams, peerOf, cookie, isDraining } = this.#deps;
    const url = upstream.external ? new URL(upstream.url) : undefined;
    const base = url === undefined ? '' : basePath(url);
    const prefix = route.serve.stripPath && route.depth > 0 ? route.row.path : '';
    if (request.headers.expect !== undefined) response.writeContinue();
    proxyRequest(request, response, {
      pool: upstreams.forTarget(upstream),
      path: upstreamPath(route, base, target.path.sent) + target.query,
      host: url === undefined ? target.authority : url.host,
      peer: peerOf(call),
      prefix,
      noindex: call.noindex || route.serve.noindex,
      cookie,
      isDraining,
      ...(route.serve.limits?.bodyBytes === undefined ? {} : { maxBodyBytes: route.serve.limits.bodyBytes }),
      locations: () => ({ upstreamOrigins: ownOrigins(upstream, target), base, prefix }),
      ...(upgrade === undefined ? {} : { upgrade }),
    });
  }
}

/** What an app may take itself for in a `Location`: its own address, or the public one that it was told. */
function ownOrigins(upstream: RouteTarget & { readonly kind: 'http' }, target: RequestTarget): string[] {
  const own = [new URL(upstream.url).origin];
  const authority = target.authority.toLowerCase();
  return upstream.external ? own : [...own, `http://${authority}`, `https://${authority}`];
}
