import { execFileSync, spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Cleanup } from './cleanup.ts';
import { CLEAN_GIT_ENV } from './git-repo.ts';

/** What a test git server is told. */
export interface GitServerOptions {
  /** The folder that holds the bare repos; `URL/name.git` is `root/name.git`. */
  readonly root: string;
  /** User → password, for basic auth. */
  readonly users?: Readonly<Record<string, string>>;
  /** Tokens that are taken as `Authorization: Bearer …`. */
  readonly tokens?: readonly string[];
  /** False: the server only speaks the old protocol. */
  readonly protocolV2?: boolean;
  /** Serves https with this key and certificate (PEM). */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Sees every request first; true: it was answered (or is being kept waiting) there. */
  readonly intercept?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** One request as the server saw it. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | null;
}

/** A running git server. */
export interface GitServer {
  /** `http://127.0.0.1:PORT` (or https), without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** All requests so far, oldest first. */
  requests(): readonly SeenRequest[];
  /** Ends it, open connections too. Safe to call twice; called after the test. */
  close(): Promise<void>;
}

/** Serves bare repos over smart HTTP by `git http-backend`, on loopback and a free port. Pushing is allowed where a repo's `http.receivepack` says so. */
export async function startGitServer(t: Cleanup | null, options: GitServerOptions): Promise<GitServer> {
  const seen: SeenRequest[] = [];
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    const authorization = request.headers.authorization ?? null;
    seen.push({ method: request.method ?? '', url: request.url ?? '', authorization });
    if (options.intercept?.(request, response) === true) return;
    if (isAllowed(options, authorization)) runBackend(options, request, response);
    else response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end('who are you?');
  };
  const server = options.tls === undefined ? createServer(handle) : createTlsServer(options.tls, handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.closeAllConnections();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  t?.after(close);
  const scheme = options.tls === undefined ? 'http' : 'https';
  return { url: `${scheme}://127.0.0.1:${port}`, port, requests: () => [...seen], close };
}

function isAllowed(options: GitServerOptions, authorization: string | null): boolean {
  if (options.users === undefined && options.tokens === undefined) return true;
  const [scheme = '', value = ''] = (authorization ?? '').split(' ');
  if (scheme.toLowerCase() === 'bearer') return options.tokens?.includes(value) ?? false;
  const [, user = '', password = ''] = /^([^:]*):(.*)$/s.exec(Buffer.from(value, 'base64').toString()) ?? [];
  return scheme.toLowerCase() === 'basic' && options.users?.[user] === password && user !== '';
}

let found: string | undefined;

/** The program itself: `git http-backend` is one process more for each request. */
function backendProgram(): string {
  found ??= join(execFileSync('git', ['--exec-path'], { encoding: 'utf8' }).trim(), 'git-http-backend');
  return found;
}

function runBackend(options: GitServerOptions, request: IncomingMessage, response: ServerResponse): void {
  const backend = spawn(backendProgram(), [], { env: backendEnv(options, request) });
  request.pipe(backend.stdin);
  backend.stdin.on('error', () => {});
  response.on('close', () => backend.kill());
  let head: Buffer | null = Buffer.alloc(0);
  backend.stdout.on('data', (chunk: Buffer) => {
    if (head === null) {
      if (!response.write(chunk)) pauseUntilDrained(backend.stdout, response);
      return;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    writeCgiHead(response, head.subarray(0, end).toString('latin1'));
    response.write(head.subarray(end + 4));
    head = null;
  });
  backend.on('close', (code) => {
    if (head !== null) response.writeHead(500);
    if (code === 0) response.end();
    else response.destroy();
  });
}

function pauseUntilDrained(stdout: NodeJS.ReadableStream, response: ServerResponse): void {
  stdout.pause();
  response.once('drain', () => stdout.resume());
}

function writeCgiHead(response: ServerResponse, head: string): void {
  let status = 200;
  for (const line of head.split('\r\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).trim();
    if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10);
    else response.setHeader(name, value);
  }
  response.writeHead(status);
}

function backendEnv(options: GitServerOptions, request: IncomingMessage): Record<string, string> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const header = (name: string) => String(request.headers[name] ?? '');
  return {
    ...CLEAN_GIT_ENV,
    GIT_PROJECT_ROOT: options.root,
    GIT_HTTP_EXPORT_ALL: '1',
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'safe.directory',
    GIT_CONFIG_VALUE_0: '*',
    PATH_INFO: decodeURIComponent(url.pathname),
    QUERY_STRING: url.search.slice(1),
    REQUEST_METHOD: request.method ?? 'GET',
    CONTENT_TYPE: header('content-type'),
    CONTENT_LENGTH: header('content-length'),
    HTTP_CONTENT_ENCODING: header('content-encoding'),
    REMOTE_ADDR: '127.0.0.1',
    REMOTE_USER: 'test',
    ...(options.protocolV2 === false ? {} : { GIT_PROTOCOL: header('git-protocol') }),
  };
}
