import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { isUnder, RESERVED_PREFIX } from '../model/route.ts';
import type { GatewayLimits } from '../model/settings.ts';
import { ANSWERS, type Answer, markNoindex, rawAnswer, sendAnswer } from './answer.ts';
import { AppServer } from './app-server.ts';
import { answerCall, type Call } from './call.ts';
import type { ClientConnections } from './clients/client-connections.ts';
import { ClientResponse } from './clients/client-response.ts';
import { linger, lingerAtEnd } from './clients/linger.ts';
import { judgePeer, type Peer, type Trust } from './clients/peer.ts';
import type { RandomHex } from './clients/random-hex.ts';
import { requestId } from './clients/request-id.ts';
import { type ParseFault, unreadableAnswer } from './clients/unreadable.ts';
import type { InFlight } from './control/in-flight.ts';
import type { Hooks } from './hooks.ts';
import { nearApps } from './near-apps.ts';
import type { RequestObserver } from './observe/request-observer.ts';
import { framingFault, type Refusal } from './reading/framing.ts';
import { hasBody, isForUs, isUpgrade } from './reading/request-kind.ts';
import { parseHost, parseTarget } from './reading/request-target.ts';
import { isLoop } from './reading/via.ts';
import { isInZone } from './reading/zone.ts';
import type { RouteTable } from './routing/route-table.ts';
import type { StaticParts } from './static/serve-static.ts';
import type { CookieRule } from './upstream/cookie-rule.ts';
import { type ProxyPlan, proxyRequest } from './upstream/proxy-request.ts';
import type { Tunnels } from './upstream/tunnels.ts';
import type { Upstreams } from './upstream/upstreams.ts';
import { AbsentApps } from './waiting/absent-apps.ts';
import type { AppQueue } from './waiting/app-queue.ts';
import type { IsUse } from './waiting/use.ts';
import type { WaitingRoom } from './waiting/waiting-room.ts';
import type { Waker } from './waiting/waker.ts';

/** What requests are answered with. */
export interface RequestHandlerDeps {
  readonly table: RouteTable;
  readonly clients: ClientConnections;
  readonly tunnels: Tunnels;
  readonly observer: RequestObserver;
  /** Whether the table was read at least once. */
  readonly hasTable: () => boolean;
  readonly upstreams: Upstreams;
  readonly trees: StaticParts;
  readonly hooks: Hooks;
  readonly inFlight: InFlight;
  readonly room: WaitingRoom;
  readonly queue: AppQueue;
  readonly waker: Waker;
  readonly isUse: IsUse;
  readonly canWake: () => boolean;
  /** Whether a peer may know why an app does not run. */
  readonly maySeeWhy: (address: string) => boolean;
  readonly isTrusted: Trust;
  readonly random: RandomHex;
  /** Who is at the other end of a connection. */
  readonly addressOf: (socket: Socket) => string;
  /** How long a body may stand still. */
  readonly bodyTimeoutMs: number;
  readonly cookie: CookieRule;
  readonly statusHost: string;
  readonly statusSocket: string;
  readonly limits: Pick<GatewayLimits, 'targetBytes' | 'headerCount'>;
  /** The environments' zone. */
  readonly envDomain: string;
  readonly onError: (error: unknown, request: string) => void;
}

// How many of a host's apps are compared with an address where none lives.
const MOST_NEAR = 300;

/** Decides what becomes of each request: ours, the status pages', an app's. */
export class RequestHandler {
  readonly #deps: RequestHandlerDeps;
  readonly #absent: AbsentApps;
  readonly #apps: AppServer;
  /** Connections on which nothing that comes is believed any more. */
  readonly #refused = new WeakSet<Socket>();
  /** Connections on which something came that could not be read. */
  readonly #broken = new WeakSet<Socket>();
  #isDraining = false;

  constructor(deps: RequestHandlerDeps) {
    this.#deps = deps;
    const isDraining = () => this.#isDraining;
    const lookAgain = (call: Call) => this.#tryDispatch(call);
    const maySeeWhy = ({ request }: Call) => deps.maySeeWhy(deps.addressOf(request.socket));
    this.#absent = new AbsentApps({ ...deps, isDraining, lookAgain, maySeeWhy });
    this.#apps = new AppServer({
      ...deps,
      absent: this.#absent,
      peerOf: (call) => this.#peerOf(call),
      isDraining,
      lookAgain,
      onFailed: (call, error) => this.#failed(call, error),
    });
  }

  /** Every connection ends after the answer it is waiting for; what waits for a held route gets one at once. */
  startDraining(): void {
    this.#isDraining = true;
    this.#deps.room.close();
    this.#deps.queue.close();
  }

  handle(request: IncomingMessage, response: ClientResponse, upgrade?: ProxyPlan['upgrade']): void {
    if (this.#refused.has(request.socket)) return;
    this.#deps.observer.begin(response);
    response.requestId = this.#nameOf(request);
    if (this.#isDraining) response.shouldKeepAlive = false;
    const fault = framingFault(request, this.#deps.limits.targetBytes);
    if (request.rawHeaders.length > 2 * this.#deps.limits.headerCount)
      this.refuse(request, response, ANSWERS.headTooLarge);
    else if (fault !== undefined) this.refuse(request, response, refusal(fault));
    else if (request.method === 'OPTIONS' && isForUs(request)) sendOptions(response);
    else this.#aim(request, response, upgrade);
  }

  /** Only a trusted proxy may name a request: names of clients would mix up ours. */
  #nameOf({ headers, socket }: IncomingMessage): string {
    const { random, isTrusted, addressOf } = this.#deps;
    const given = headers['x-request-id'];
    return requestId(given !== undefined && isTrusted(addressOf(socket)) ? given : undefined, random);
  }

  #aim(request: IncomingMessage, response: ClientResponse, upgrade: ProxyPlan['upgrade']): void {
    const { host = '', via } = request.headers;
    const target = parseTarget(request.url ?? '', host);
    response.record.target = target;
    if (target === undefined) this.refuse(request, response, ANSWERS.badRequest);
    else if (target.isHttps && !this.#deps.isTrusted(this.#deps.addressOf(request.socket)))
      this.refuse(request, response, ANSWERS.misdirected);
    else if (via !== undefined && isLoop(via)) this.refuse(request, response, ANSWERS.loop);
    else
      this.#tryDispatch({ request, response, target, upgrade, noindex: isInZone(target.host, this.#deps.envDomain) });
  }

  /** Refuses a request that was not looked at before. */
  refuseFirst(request: IncomingMessage, response: ClientResponse, answer: Answer): void {
    this.#deps.observer.begin(response);
    this.refuse(request, response, answer);
  }

  /** Answers, and believes nothing more that comes on the connection: where one request ends is no longer sure. */
  refuse(request: IncomingMessage, response: ClientResponse, answer: Answer): void {
    this.#refused.add(request.socket);
    response.shouldKeepAlive = false;
    if (!request.complete) lingerAtEnd(request.socket);
    if (isInZone(parseHost(request.headers.host ?? '') ?? '', this.#deps.envDomain)) markNoindex(response);
    sendAnswer(request, response, answer);
  }

  /** Takes over a connection whose client asks for another protocol. */
  handleUpgrade(request: IncomingMessage, socket: Socket, rest: Buffer): void {
    const response = new ClientResponse(request);
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
    else if (hasBody(request)) this.refuseFirst(request, response, ANSWERS.badRequest);
    else this.handle(request, response);
  }

  /** Answers what could not be read as a request, after what could. */
  handleUnreadable(error: ParseFault, socket: Socket): void {
    const current = this.#deps.clients.current(socket);
    const isKnown = this.#refused.has(socket) || this.#broken.has(socket);
    // What came before is still to be answered, so it is not refused.
    this.#broken.add(socket);
    if (!error.code?.startsWith('HPE_') && error.code !== 'ERR_HTTP_REQUEST_TIMEOUT') socket.destroy();
    // What comes while the connection lingers is thrown away.
    else if (socket.writableEnded) return;
    else if (current === undefined || !current.req.complete) this.#endUnreadable(error, socket, current);
    else if (!isKnown) this.#deps.clients.afterLast(socket, () => this.#endUnreadable(error, socket, undefined));
  }

  #endUnreadable(error: ParseFault, socket: Socket, current: ClientResponse | undefined): void {
    const sent = endUnreadable(error, socket, current);
    if (sent !== undefined && current === undefined) this.#deps.observer.unreadable(socket, sent);
  }

  /** One request that we fail at must not take the others with it. */
  #tryDispatch(call: Call): void {
    try {
      this.#dispatch(call);
    } catch (error) {
      this.#failed(call, error);
    }
  }

  #dispatch(call: Call): void {
    const { target } = call;
    const { decoded } = target.path;
    if (isUnder(decoded, RESERVED_PREFIX)) this.#serveReserved(call, decoded.slice(RESERVED_PREFIX.length));
    else if (target.host === this.#deps.statusHost) this.#serveStatus(call);
    else if (this.#deps.hasTable()) this.#serveRoute(call);
    else answerCall(call, ANSWERS.starting);
  }

  #serveRoute(call: Call): void {
    const { target } = call;
    const { decoded, deepest } = target.path;
    const { table } = this.#deps;
    const route = table.find(target.host, decoded);
    if (deepest !== decoded && table.find(target.host, deepest) !== route) answerCall(call, ANSWERS.badRequest);
    else if (route === undefined) this.#serveNowhere(call);
    else {
      this.#deps.observer.routed(call.response, route);
      this.#apps.serve(call, route);
    }
  }

  /** Nothing serves this address: an app that belongs there says why, else those are named that may have been meant. */
  #serveNowhere(call: Call): void {
    const { table } = this.#deps;
    const { host, path } = call.target;
    const { decoded, deepest } = path;
    const vacant = table.findVacant(host, decoded);
    if (deepest !== decoded && table.findVacant(host, deepest) !== vacant) answerCall(call, ANSWERS.badRequest);
    else if (vacant !== undefined) this.#absent.answer(call, vacant);
    else if (table.hasHost(host)) {
      const near = nearApps(decoded, table.pathsOn(host, MOST_NEAR));
      answerCall(call, { ...ANSWERS.unknownApp, ...(near.length > 0 && { near }) });
    } else answerCall(call, ANSWERS.unknownHost);
  }

  #serveReserved(call: Call, rest: string): void {
    const { request, response } = call;
    if (call.noindex) markNoindex(response);
    if (rest.startsWith('/hooks/')) {
      if (request.headers.expect !== undefined) response.writeContinue();
      const served = this.#deps.hooks.serve(request, response, rest.slice('/hooks/'.length));
      served.catch((error: unknown) => this.#failed(call, error));
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
      markNoindex(response);
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
      cookie: this.#deps.cookie,
      isDraining: () => this.#isDraining,
      locations: () => ({ upstreamOrigins: [], base: '', prefix: '' }),
      extra: `X-Mainspring-Peer: ${this.#deps.addressOf(request.socket)}\r\n`,
      unreachable: ANSWERS.unavailable,
      streams: this.#deps.tunnels,
      instance: 'status',
    });
  }

  #peerOf({ request, target }: Call): Peer {
    const remoteAddress = this.#deps.addressOf(request.socket);
    return judgePeer({ remoteAddress, authority: target.authority, headers: request.headers }, this.#deps.isTrusted);
  }

  #failed(call: Call, error: unknown): void {
    this.#deps.onError(error, call.response.requestId);
    answerCall(call, ANSWERS.failed);
  }
}

function refusal({ status, reason }: Refusal): Answer {
  return { status, title: STATUS_CODES[status] ?? 'Refused', text: `The request has ${reason}.` };
}

/** Where a request breaks off in its body, its answer does as well, if it has begun. */
function endUnreadable(fault: ParseFault, socket: Socket, current: ClientResponse | undefined): Answer | undefined {
  current?.finishProbe();
  // What comes after a request that was to be the last one is nothing (RFC 9112, 9.6).
  const isAnswered = current?.headersSent === true || fault.code === 'HPE_CLOSED_CONNECTION';
  const answer = isAnswered || !socket.writable ? undefined : unreadableAnswer(fault);
  if (answer !== undefined) socket.write(rawAnswer(answer));
  // Whoever serves the request that broke off hears of it by the end of the connection.
  if (current === undefined) linger(socket);
  else socket.destroySoon();
  return answer;
}

function sendOptions(response: ClientResponse): void {
  response.writeHead(200, { Allow: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS', 'Content-Length': 0 }).end();
}
