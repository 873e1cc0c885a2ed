import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { ANSWERS, type Answer, markNoindex, sendAnswer } from './answer.ts';
import type { CookieRule } from './cookie-rule.ts';
import { clientHeaders, type RequestBody, upstreamHead } from './forward-headers.ts';
import { lingerAtEnd } from './linger.ts';
import type { Peer } from './peer.ts';
import type { ResponseHead, UpstreamFault } from './response-head.ts';
import { type LocationMap, mapLocation } from './target-path.ts';
import { tunnel } from './tunnel.ts';
import type { ExchangeHandler, UpstreamConnection } from './upstream-connection.ts';
import type { UpstreamPool } from './upstream-pool.ts';

/** Where a request goes and how the answer comes back. */
export interface ProxyPlan {
  readonly pool: UpstreamPool;
  readonly path: string;
  readonly host: string;
  readonly peer: Peer;
  readonly prefix: string;
  readonly noindex: boolean;
  readonly cookie: CookieRule;
  /** Whether the client is to be told that its connection ends with the answer. */
  readonly isDraining: () => boolean;
  /** Made when an answer has a `Location`, which few have. */
  readonly locations: () => LocationMap;
  readonly extra?: string;
  /** The longest body that is passed on; beyond it the client gets 413 and the upstream's connection is cut. */
  readonly maxBodyBytes?: number;
  /** What a client is told when the upstream cannot be reached; default 502. */
  readonly unreachable?: Answer;
  /** The connection of a client that asks for another protocol, and what has come of it already. */
  readonly upgrade?: { readonly protocol: string; readonly socket: Socket; readonly rest: Buffer };
}

const REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** Passes a request on and its answer back, streaming both ways. Everything that can go wrong is answered. */
export function proxyRequest(request: IncomingMessage, response: ServerResponse, plan: ProxyPlan): void {
  new Exchange(request, response, plan).start();
}

class Exchange implements ExchangeHandler {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #plan: ProxyPlan;
  readonly #body: RequestBody;
  readonly #isRepeatable: boolean;
  #connection: UpstreamConnection | undefined;
  #isOver = false;
  #isPaused = false;

  constructor(request: IncomingMessage, response: ServerResponse, plan: ProxyPlan) {
    this.#request = request;
    this.#response = response;
    this.#plan = plan;
    this.#body = plan.upgrade === undefined ? requestBody(request) : { kind: 'none' };
    this.#isRepeatable = !hasContent(this.#body) && plan.upgrade === undefined && REPEATABLE.has(request.method ?? '');
  }

  start(): void {
    // The client is gone: nobody needs the answer.
    this.#response.on('close', () => this.#over()?.abandon());
    const { pool, upgrade } = this.#plan;
    this.#send(upgrade === undefined ? pool.take({ isRepeatable: this.#isRepeatable }) : pool.open());
    if (hasContent(this.#body)) this.#sendBody();
  }

  onHead(head: ResponseHead): void {
    const { noindex, cookie, locations, isDraining } = this.#plan;
    if (isDraining()) this.#response.shouldKeepAlive = false;
    const isChunked = head.framing.kind === 'chunked';
    const headers = clientHeaders(head.headers, {
      location: (value) => mapLocation(value, locations()),
      cookie,
      noindex,
      keepLength: head.framing.kind === 'length' || (head.framing.kind === 'none' && head.status !== 204),
      keepTrailer: isChunked && this.#request.httpVersion === '1.1',
    });
    this.#response.writeHead(head.status, head.reason, headers);
    // A stream shows its head at once, also when its first event is a long way off.
    if (isChunked || head.framing.kind === 'until-close') this.#response.flushHeaders();
  }

  onData(content: Buffer): void {
    if (this.#response.write(content) || this.#isPaused) return;
    const connection = this.#connection;
    this.#isPaused = true;
    connection?.pause();
    this.#response.once('drain', () => {
      this.#isPaused = false;
      connection?.resume();
    });
  }

  onLast(content: Buffer): void {
    this.#over();
    this.#response.end(content);
  }

  onEnd(trailers: readonly string[]): void {
    this.#over();
    if (trailers.length > 0) this.#response.addTrailers(pairs(trailers));
    this.#response.end();
  }

  onUpgrade(head: ResponseHead, upstream: Socket, rest: Buffer): void {
    this.#over();
    const { upgrade, cookie, noindex } = this.#plan;
    if (upgrade === undefined) {
      upstream.destroy();
      this.#answer(ANSWERS.badGateway);
    } else
      tunnel({
        head,
        upstream,
        upstreamRest: rest,
        client: upgrade.socket,
        clientRest: upgrade.rest,
        response: this.#response,
        cookie,
        noindex,
      });
  }

  onFault(fault: UpstreamFault): void {
    const connection = this.#connection;
    // The upstream closed an idle connection just when we took it: not a byte of an answer, so the request may be repeated.
    const isStale = fault.code === 'closed' && connection?.hasAnswer === false && connection.exchanges > 1;
    if (isStale && this.#isRepeatable && !this.#isOver) {
      this.#send(this.#plan.pool.open());
      return;
    }
    this.#over();
    if (this.#response.headersSent) this.#response.destroy();
    else this.#answer(this.#answerTo(fault));
  }

  #answer(answer: Answer): void {
    if (this.#plan.noindex) markNoindex(this.#response);
    sendAnswer(this.#request, this.#response, answer);
  }

  #answerTo(fault: UpstreamFault): Answer {
    if (fault.code === 'timeout') return ANSWERS.gatewayTimeout;
    return fault.code === 'unreachable' ? (this.#plan.unreachable ?? ANSWERS.badGateway) : ANSWERS.badGateway;
  }

  #refuseBody(): void {
    this.#over()?.abandon();
    this.#response.shouldKeepAlive = false;
    lingerAtEnd(this.#request.socket);
    this.#request.resume();
    if (this.#response.headersSent) this.#response.destroy();
    else this.#answer(ANSWERS.tooLarge);
  }

  /** Ends the exchange for us; gives the connection the first time only. */
  #over(): UpstreamConnection | undefined {
    const connection = this.#isOver ? undefined : this.#connection;
    this.#isOver = true;
    return connection;
  }

  #send(connection: UpstreamConnection): void {
    const { path, host, peer, prefix, extra, upgrade } = this.#plan;
    const { method = 'GET', rawHeaders } = this.#request;
    this.#connection = connection;
    const head = upstreamHead({
      method,
      path,
      host,
      rawHeaders,
      peer,
      prefix,
      body: this.#body,
      ...(extra === undefined ? {} : { extra }),
      ...(upgrade === undefined ? {} : { upgrade: upgrade.protocol }),
    });
    connection.begin(method, head, this);
    if (!hasContent(this.#body)) connection.endRequest();
  }

  #sendBody(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    const request = this.#request;
    const isChunked = this.#body.kind === 'chunked';
    const resume = () => request.resume();
    let left = this.#plan.maxBodyBytes ?? Number.POSITIVE_INFINITY;
    request.on('data', (content: Buffer) => {
      if (this.#isOver) return;
      left -= content.length;
      if (left < 0) return this.#refuseBody();
      const isRoom = isChunked ? writeChunk(connection, content) : connection.write(content);
      if (isRoom) return;
      request.pause();
      connection.socket.once('drain', resume);
    });
    request.on('end', () => {
      if (this.#isOver) return;
      if (isChunked) connection.write('0\r\n\r\n');
      connection.endRequest();
    });
    // An answer that comes before the end of the request must not leave the request stuck.
    connection.socket.once('close', resume);
    request.once('close', () => connection.socket.off('close', resume));
  }
}

function requestBody(request: IncomingMessage): RequestBody {
  if (request.headers['transfer-encoding'] !== undefined) return { kind: 'chunked' };
  const length = request.headers['content-length'];
  return length === undefined ? { kind: 'none' } : { kind: 'length', length };
}

function hasContent(body: RequestBody): boolean {
  return body.kind === 'chunked' || (body.kind === 'length' && !/^0+$/.test(body.length));
}

function writeChunk(connection: UpstreamConnection, content: Buffer): boolean {
  connection.socket.cork();
  connection.write(`${content.length.toString(16)}\r\n`);
  connection.write(content);
  const isRoom = connection.write('\r\n');
  connection.socket.uncork();
  return isRoom;
}

const FORBIDDEN_TRAILERS = new Set([
  'transfer-encoding',
  'content-length',
  'host',
  'trailer',
  'connection',
  'set-cookie',
  'location',
]);

function pairs(flat: readonly string[]): [string, string][] {
  const found: [string, string][] = [];
  for (let at = 0; at < flat.length; at += 2) {
    const name = flat[at] ?? '';
    if (!FORBIDDEN_TRAILERS.has(name.toLowerCase())) found.push([name, flat[at + 1] ?? '']);
  }
  return found;
}
