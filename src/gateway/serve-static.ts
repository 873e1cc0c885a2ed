import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import type { RouteTarget } from '../model/routing.ts';
import { ANSWERS, markNoindex, sendAnswer } from './answer.ts';
import { type ByteRange, matchesTag, parseRange } from './byte-range.ts';
import type { StaticEntry, StaticFile, StaticFiles } from './static-files.ts';

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

/** Serves a file of a tree: GET and HEAD, conditional and range requests. Dot files and whatever lies outside don't exist. */
export async function serveStatic(
  files: StaticFiles,
  request: IncomingMessage,
  response: ServerResponse,
  wanted: StaticRequest,
): Promise<void> {
  if (wanted.noindex) markNoindex(response);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return sendAnswer(request, response, { ...ANSWERS.methodNotAllowed, headers: { Allow: 'GET, HEAD' } });
  }
  // Relative links of the page only work when its address ends in a slash.
  if (wanted.rest === '') return redirectToFolder(response, wanted);
  const found = await findFile(files, wanted);
  if (found === 'redirect') return redirectToFolder(response, wanted);
  if (response.destroyed) return;
  if (found === undefined) sendAnswer(request, response, ANSWERS.noFile);
  else sendFile(request, response, found);
}

async function findFile(files: StaticFiles, wanted: StaticRequest): Promise<StaticFile | 'redirect' | undefined> {
  const { root, index, fallback } = wanted.tree;
  const segments = fileSegments(wanted.rest);
  const isFolder = wanted.rest.endsWith('/');
  let entry: StaticEntry = segments === undefined ? { kind: 'missing' } : await files.find(root, segments);
  if (segments !== undefined && entry.kind === 'folder') {
    const page = await files.find(root, [...segments, index]);
    if (page.kind === 'file' && !isFolder) return 'redirect';
    entry = page;
  } else if (isFolder) entry = { kind: 'missing' };
  if (entry.kind !== 'file' && fallback !== null && segments !== undefined)
    entry = await files.find(root, fallback.split('/'));
  return entry.kind === 'file' ? entry.file : undefined;
}

/** The path as segments, undefined for what is never served: dot files (but `/.well-known/`), empty and odd segments. */
function fileSegments(rest: string): readonly string[] | undefined {
  const segments = rest.slice(1).split('/');
  if (segments.at(-1) === '') segments.pop();
  const isOdd = (segment: string) => segment === '' || /[\\\0]/.test(segment) || segment.includes('%2F');
  const isHidden = (segment: string, at: number) => segment.startsWith('.') && !(at === 0 && segment === '.well-known');
  return segments.some((segment, at) => isOdd(segment) || isHidden(segment, at)) ? undefined : segments;
}

function redirectToFolder(response: ServerResponse, { sentPath, query }: StaticRequest): void {
  // A path that began with two slashes would be read as another host.
  const location = `${sentPath.replace(/^\/+/, '/')}/${query}`;
  response.writeHead(302, { Location: location, 'Cache-Control': 'no-cache', 'Content-Length': 0 });
  response.end();
}

function sendFile(request: IncomingMessage, response: ServerResponse, file: StaticFile): void {
  const headers = { ETag: file.tag, 'Cache-Control': 'no-cache', 'Accept-Ranges': 'bytes' };
  const noneMatch = request.headers['if-none-match'];
  if (noneMatch !== undefined && matchesTag(noneMatch, file.tag)) {
    response.writeHead(304, headers);
    response.end();
    return;
  }
  const range = isRangeFor(request, file) ? parseRange(request.headers.range, file.size) : undefined;
  if (range === 'unsatisfiable') {
    response.writeHead(416, { ...headers, 'Content-Range': `bytes */${file.size}`, 'Content-Length': 0 });
    response.end();
    return;
  }
  const length = range === undefined ? file.size : range.end - range.start + 1;
  const partial = range === undefined ? {} : { 'Content-Range': `bytes ${range.start}-${range.end}/${file.size}` };
  response.writeHead(range === undefined ? 200 : 206, {
    ...headers,
    ...partial,
    'Content-Type': file.type,
    'Content-Length': length,
    'X-Content-Type-Options': 'nosniff',
  });
  if (request.method === 'HEAD' || length === 0) response.end();
  else sendContent(response, file, range ?? { start: 0, end: file.size - 1 });
}

/** Ranges are for GET, and only for the file that If-Range means (RFC 9110, 13.1.5). */
function isRangeFor(request: IncomingMessage, file: StaticFile): boolean {
  const ifRange = request.headers['if-range'];
  return request.method === 'GET' && (ifRange === undefined || ifRange === file.tag);
}

function sendContent(response: ServerResponse, file: StaticFile, { start, end }: ByteRange): void {
  if (file.content !== null) response.end(file.content.subarray(start, end + 1));
  // What goes wrong while sending cuts the connection, which is all that can be said at that point.
  else pipeline(createReadStream(file.path, { start, end }), response, () => {});
}
