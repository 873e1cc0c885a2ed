import { type IncomingMessage, ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { isUnder, RESERVED_PREFIX } from '../model/route.ts';
import type { RouteTarget } from '../model/routing.ts';
import { ANSWERS, type Answer, rawAnswer, sendAnswer } from './answer.ts';
import { framingFault, type Refusal } from './framing.ts';
import type { Hooks } from './hooks.ts';
import type { InFlight } from './in-flight.ts';
import { judgePeer, type Peer, plainAddress, type Trust } from './peer.ts';
import { type ProxyPlan, proxyRequest } from './proxy-request.ts';
import { parseTarget, type RequestTarget } from './request-target.ts';
import type { LiveRoute, RouteTable } from './route-table.ts';
import { serveStatic } from './serve-static.ts';
import type { StaticFiles } from './static-files.ts';
import { basePath, upstreamPath } from './target-path.ts';
import type { Upstreams } from './upstream-pool.ts';

/** What requests are answered with. */
export interface RequestHandlerDeps {
  readonly table: RouteTable;
  /** Whether the table was read at least once. */
  readonly hasTable: () => boolean;
  readonly upstreams: Upstreams;
  readonly files: StaticFiles;
  readonly hooks: Hooks;
  readonly inFlight: InFlight;
  readonly isTrusted: Trust;
  readonly statusHost: string;
  readonly statusSocket: string;
  readonly onError: (error: unknown) => void;
}

/** A request that has passed the checks. */
interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly target: RequestTarget;
  readonly upgrade: ProxyPlan['upgrade'];
}

/** Decides what becomes of each request: ours, the status pages', an app's. */
export class RequestHandler {
  readonly #deps: RequestHandlerDeps;
  /** Connections on which nothing that comes is believed any more. */
  readonly #refused = new WeakSet<Socket>();
  #isDraining = false;

  constructor(deps: RequestHandlerDeps) {
    this.#deps = deps;
  }

  /** Every connection ends after the answer it is waiting for. */
  startDraining(): void {
    this.#isDraining = true;
  }

  handle(request: IncomingMessage, response: ServerResponse, upgrade?: ProxyPlan['upgrade']): void {
    if (this.#refused.has(request.socket)) return;
    if (this.#isDraining) response.shouldKeepAlive = false;
    const fault = framingFault(request);
    const target = fault === undefined ? parseTarget(request.url ?? '', request.headers.host ?? '') : undefined;
    if (target !== undefined) this.#tryDispatch({ request, response, target, upgrade });
    else if (fault === undefined) this.refuse(request, response, ANSWERS.badRequest);
    else this.refuse(request, response, refusal(fault));
  }

  /** Answers, and believes nothing more that comes on the connection: where one request ends is no longer sure. */
  refuse(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
    this.#refused.add(request.socket);
    response.shouldKeepAlive = false;
    sendAnswer(request, response, answer);
  }

  /** Takes over a connection whose client asks for another protocol. */
  handleUpgrade(request: IncomingMessage, socket: Socket, rest: Buffer): void {
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    socket.on('error', () => socket.destroy());
    response.assignSocket(socket);
    response.on('finish', () => {
      response.detachSocket(socket);
      socket.destroySoon();
      response.emit('close');
    });
    // Node versions that can't be asked beforehand have stopped reading at the head: what has no body can still be served.
    if (isUpgrade(request)) this.handle(request, response, { protocol: request.headers.upgrade ?? '', socket, rest });
    else if (hasBody(request)) this.refuse(request, response, ANSWERS.badRequest);
    else this.handle(request, response);
  }

  /** Answers what could not be read as a request. */
  handleUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
    const isWaiting = '_httpMessage' in socket && socket._httpMessage !== null;
    if (!isWaiting && socket.writable && !this.#refused.has(socket) && error.code !== 'ECONNRESET') {
      socket.write(rawAnswer(unreadableAnswer(error.code)));
    }
    this.#refused.add(socket);
    socket.destroySoon();
  }

  /** One request that we fail at must not take the others with it. */
  #tryDispatch(call: Call): void {
    try {
      this.#dispatch(call);
    } catch (error) {
      this.#failed(call.request, call.response, error);
    }
  }

  #dispatch(call: Call): void {
    const { request, response, target } = call;
    const { decoded } = target.path;
    if (isUnder(decoded, RESERVED_PREFIX)) this.#serveReserved(call, decoded.slice(RESERVED_PREFIX.length));
    else if (target.host === this.#deps.statusHost) this.#serveStatus(call);
    else if (this.#deps.hasTable()) this.#serveRoute(call);
    else sendAnswer(request, response, ANSWERS.starting);
  }

  #serveRoute(call: Call): void {
    const { request, response, target } = call;
    const { decoded, deepest } = target.path;
    const { table } = this.#deps;
    const route = table.find(target.host, decoded);
    if (deepest !== decoded && table.find(target.host, deepest) !== route)
      sendAnswer(request, response, ANSWERS.badRequest);
    else if (route !== undefined) this.#serveApp(call, route);
    else sendAnswer(request, response, table.hasHost(target.host) ? ANSWERS.unknownApp : ANSWERS.unknownHost);
  }

  #serveReserved({ request, response }: Call, rest: string): void {
    if (rest.startsWith('/hooks/')) {
      if (request.headers.expect !== undefined) response.writeContinue();
      const served = this.#deps.hooks.serve(request, response, rest.slice('/hooks/'.length));
      served.catch((error: unknown) => this.#failed(request, response, error));
    } else if (rest !== '/healthz' && rest !== '/readyz') sendAnswer(request, response, ANSWERS.noFile);
    else if (request.method !== 'GET' && request.method !== 'HEAD') {
      sendAnswer(request, response, { ...ANSWERS.methodNotAllowed, headers: { Allow: 'GET, HEAD' } });
    } else if (rest === '/readyz' && !this.#deps.hasTable()) sendAnswer(request, response, ANSWERS.starting);
    else
      response
        .writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': 3, 'Cache-Control': 'no-store' })
        .end('ok\n');
  }

  #serveStatus(call: Call): void {
    const { request, response, target } = call;
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      sendAnswer(request, response, { ...ANSWERS.methodNotAllowed, headers: { Allow: 'GET, HEAD' } });
      return;
    }
    proxyRequest(request, response, {
      pool: this.#deps.upstreams.forSocket(this.#deps.statusSocket),
      path: target.path.sent + target.query,
      host: target.authority,
      peer: this.#peerOf(call),
      prefix: '',
      noindex: true,
      isDraining: () => this.#isDraining,
      locations: () => ({ upstreamOrigins: [], base: '', prefix: '' }),
      extra: `X-Mainspring-Peer: ${plainAddress(request.socket.remoteAddress ?? '')}\r\n`,
      unreachable: ANSWERS.unavailable,
    });
  }

  #serveApp(call: Call, route: LiveRoute): void {
    const use = this.#deps.inFlight.enter(route.serve.instance);
    call.response.once('close', () => this.#deps.inFlight.leave(use));
    const upstream = route.serve.target;
    if (upstream.kind === 'http') this.#serveProxied(call, route, upstream);
    else this.#serveTree(call, route, upstream);
  }

  #serveTree(
    { request, response, target }: Call,
    route: LiveRoute,
    tree: RouteTarget & { readonly kind: 'static' },
  ): void {
    const { decoded, sent } = target.path;
    const rest = route.depth === 0 ? decoded : decoded.slice(route.row.path.length);
    const wanted = { tree, rest, sentPath: sent, query: target.query, noindex: route.serve.noindex };
    const served = serveStatic(this.#deps.files, request, response, wanted);
    served.catch((error: unknown) => this.#failed(request, response, error));
  }

  #serveProxied(call: Call, route: LiveRoute, upstream: RouteTarget & { readonly kind: 'http' }): void {
    const { request, response, target, upgrade } = call;
    const url = upstream.external ? new URL(upstream.url) : undefined;
    const base = url === undefined ? '' : basePath(url);
    const prefix = route.serve.stripPath && route.depth > 0 ? route.row.path : '';
    if (request.headers.expect !== undefined) response.writeContinue();
    proxyRequest(request, response, {
      pool: this.#deps.upstreams.forTarget(upstream),
      path: upstreamPath(route, base, target.path.sent) + target.query,
      host: url === undefined ? target.authority : url.host,
      peer: this.#peerOf(call),
      prefix,
      noindex: route.serve.noindex,
      isDraining: () => this.#isDraining,
      locations: () => ({ upstreamOrigins: ownOrigins(upstream, target), base, prefix }),
      ...(upgrade === undefined ? {} : { upgrade }),
    });
  }

  #peerOf({ request, target }: Call): Peer {
    const remoteAddress = request.socket.remoteAddress ?? '';
    return judgePeer({ remoteAddress, authority: target.authority, headers: request.headers }, this.#deps.isTrusted);
  }

  #failed(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    this.#deps.onError(error);
    sendAnswer(request, response, ANSWERS.failed);
  }
}

/** Whether a request to switch protocols is passed on as one. HTTP/2 in the clear is not: such a client goes on in HTTP/1.1. */
export function isUpgrade(request: IncomingMessage): boolean {
  return request.method === 'GET' && !hasBody(request) && !/(?:^|,)\s*h2c/i.test(request.headers.upgrade ?? '');
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

/** What an app may take itself for in a `Location`: its own address, or the public one that it was told. */
function ownOrigins(upstream: RouteTarget & { readonly kind: 'http' }, target: RequestTarget): string[] {
  const own = [new URL(upstream.url).origin];
  const authority = target.authority.toLowerCase();
  return upstream.external ? own : [...own, `http://${authority}`, `https://${authority}`];
}

function refusal({ status, reason }: Refusal): Answer {
  return { status, title: STATUS_CODES[status] ?? 'Refused', text: `The request has ${reason}.` };
}

function unreadableAnswer(code: string | undefined): Answer {
  if (code === 'HPE_HEADER_OVERFLOW') return ANSWERS.headTooLarge;
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? ANSWERS.timeout : ANSWERS.badRequest;
}
