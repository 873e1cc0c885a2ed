import type { IncomingMessage } from 'node:http';
import type { RouteTarget } from '../../model/routing.ts';
import { ANSWERS, markNoindex, sendAnswer } from '../answer.ts';
import type { ClientResponse } from '../clients/client-response.ts';
import { redirectToFolder } from '../redirect-to-folder.ts';
import { Compressor } from './compressor.ts';
import { CodingChoice } from './content-coding.ts';
import { isExhausted, OpenFiles } from './open-files.ts';
import { StaticCodings } from './static-codings.ts';
import { type StaticEntry, type StaticFile, StaticFiles } from './static-files.ts';
import { StaticSender } from './static-sender.ts';

/** A request for something in a tree. */
export interface StaticRequest {
  readonly tree: RouteTarget & { readonly kind: 'static' };
  /** The decoded path below the route; empty when the route itself was asked for without a slash. */
  readonly rest: string;
  /** The path and query as sent, for redirects. */
  readonly sentPath: string;
  readonly query: string;
  readonly noindex: boolean;
}

/** What trees are served with. */
export interface StaticParts {
  readonly files: StaticFiles;
  readonly sender: StaticSender;
}

/** What the trees of one process are served with. */
export function staticParts(): StaticParts {
  const codings = new StaticCodings(new CodingChoice(), new Compressor());
  return { files: new StaticFiles(), sender: new StaticSender(codings, new OpenFiles()) };
}

/**
 * Serves a file of a tree: GET and HEAD. Dot files and whatever lies outside don't exist. What is in memory is answered at once,
 * and undefined given; else a promise of when the answer is under way.
 */
export function serveStatic(
  parts: StaticParts,
  request: IncomingMessage,
  response: ClientResponse,
  wanted: StaticRequest,
): Promise<void> | undefined {
  if (wanted.noindex) markNoindex(response);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return void sendAnswer(request, response, { ...ANSWERS.methodNotAllowed, headers: { Allow: 'GET, HEAD' } });
  }
  // Relative links of the page only work when its address ends in a slash.
  if (wanted.rest === '') return void redirectToFolder(response, wanted.sentPath, wanted.query);
  const segments = fileSegments(wanted.rest);
  if (segments === undefined) return void sendAnswer(request, response, ANSWERS.noFile);
  const known = parts.files.known(
    wanted.tree.root,
    wanted.rest.endsWith('/') ? indexName(wanted) : wanted.rest.slice(1),
  );
  if (known?.kind === 'file') return parts.sender.send(request, response, known.file);
  return findAndServe(parts, request, response, { ...wanted, segments });
}

interface Lookup extends StaticRequest {
  readonly segments: readonly string[];
}

async function findAndServe(
  { files, sender }: StaticParts,
  request: IncomingMessage,
  response: ClientResponse,
  wanted: Lookup,
): Promise<void> {
  const found = await findFile(files, wanted).catch((error: unknown) => {
    if (!isExhausted(error)) throw error;
    return 'busy' as const;
  });
  if (response.destroyed) return;
  if (found === 'busy') sendAnswer(request, response, ANSWERS.unavailable);
  else if (found === undefined) sendAnswer(request, response, ANSWERS.noFile);
  else if (found === 'redirect') redirectToFolder(response, wanted.sentPath, wanted.query);
  else await sender.send(request, response, found);
}

async function findFile(
  files: StaticFiles,
  { tree, rest, segments }: Lookup,
): Promise<StaticFile | 'redirect' | undefined> {
  const { root, index, fallback } = tree;
  const isFolder = rest.endsWith('/');
  let entry: StaticEntry = await files.find(root, segments);
  if (entry.kind === 'folder') {
    const page = await files.find(root, [...segments, index]);
    if (page.kind === 'file' && !isFolder) return 'redirect';
    entry = page;
  } else if (isFolder) entry = { kind: 'missing' };
  if (entry.kind !== 'file' && fallback !== null) entry = await files.find(root, fallback.split('/'));
  return entry.kind === 'file' ? entry.file : undefined;
}

function indexName({ rest, tree }: StaticRequest): string {
  return rest.slice(1) + tree.index;
}

/** The path as segments, undefined for what is never served: dot files (but `/.well-known/`), empty and odd segments. */
function fileSegments(rest: string): readonly string[] | undefined {
  const segments = rest.slice(1).split('/');
  if (segments.at(-1) === '') segments.pop();
  const isOdd = (segment: string) => segment === '' || /[\\\0]/.test(segment) || segment.includes('%2F');
  const isHidden = (segment: string, at: number) => segment.startsWith('.') && !(at === 0 && segment === '.well-known');
  return segments.some((segment, at) => isOdd(segment) || isHidden(segment, at)) ? undefined : segments;
}
