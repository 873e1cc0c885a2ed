import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { ANSWERS, type Answer, markNoindex, sendAnswer } from '../answer.ts';
import type { ClientHead, ClientResponse } from '../clients/client-response.ts';
import { lingerAtEnd } from '../clients/linger.ts';
import type { Peer } from '../clients/peer.ts';
import { readAhead } from '../clients/read-ahead.ts';
import { Expectation } from '../reading/expectation.ts';
import { isOffered } from '../reading/offered-protocol.ts';
import { type RequestBody, requestBody } from '../reading/request-body.ts';
import type { ResponseHead, UpstreamFault } from '../reading/response-head.ts';
import { trailerLines } from '../reading/trailers.ts';
import { answerLines, type ResponseRewrite } from './answer-headers.ts';
import type { CookieRule } from './cookie-rule.ts';
import { EventStream, isEventStream } from './event-stream.ts';
import { namedByConnection, upstreamHead } from './forward-headers.ts';
import { mapCookie } from './map-cookie.ts';
import { BodySender } from './send-body.ts';
import { type LocationMap, mapLocation, mapRefresh } from './target-path.ts';
import { Tunnel } from './tunnel.ts';
import type { OpenStream, StreamWatch, Tunnels } from './tunnels.ts';
import type { ExchangeHandler, UpstreamConnection } from './upstream-connection.ts';
import type { Taker, UpstreamPool } from './upstream-pool.ts';

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
  readonly maxBodyBytes?: number | undefined;
  /** How long the body may stand still; then the client gets 408. Default: for ever. */
  readonly bodyTimeoutMs?: number;
  /** What a client is told when the upstream cannot be reached; default 502. */
  readonly unreachable?: Answer;
  /** Called instead of that answer where nothing of the request was read yet. Nothing else follows then. */
  readonly onUnreachable?: (() => void) | undefined;
  /** Whether a connection that is closed before anything is answered can mean that nobody is there. */
  readonly isRelayed?: boolean;
  /** Where the request is entered if it becomes a tunnel or is answered by a stream of events, and under which instance. */
  readonly streams: Tunnels;
  readonly instance: string;
  readonly streamWatch?: StreamWatch;
  /** The connection of a client that asks for another protocol, and what has come of it already. */
  readonly upgrade?: { readonly protocol: string; readonly socket: Socket; readonly rest: Buffer } | undefined;
}

// Safe to send twice (RFC 9110, 9.2.2).
const REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);
/** How often, so that one that ends whoever reads it does not do so again and again. */
const MOST_REPEATS = 2;

/** Passes a request on and its answer back, streaming both ways. Everything that can go wrong is answered. */
export function proxyRequest(request: IncomingMessage, response: ClientResponse, plan: ProxyPlan): void {
  new Exchange(request, response, plan).start();
}

class Exchange implements ExchangeHandler, Taker, ResponseRewrite {
  needs: Taker['needs'];
  readonly noindex: boolean;
  readonly #request: IncomingMessage;
  readonly #response: ClientResponse;
  readonly #plan: ProxyPlan;
  readonly #body: RequestBody;
  readonly #isRepeatable: boolean;
  readonly #expectation: Expectation | undefined;
  #connection: UpstreamConnection | undefined;
  #sender: BodySender | undefined;
  #held: ClientHead | undefined;
  /** Ends the reading of what comes before the protocol is switched, and gives it. */
  #stopAhead: ReturnType<typeof readAhead> | undefined;
  #events: EventStream | undefined;
  #namedFields: ReadonlySet<string> | undefined;
  #isOver = false;
  #isPaused = false;

  constructor(request: IncomingMessage, response: ClientResponse, plan: ProxyPlan) {
    this.#request = request;
    this.#response = response;
    this.#plan = plan;
    this.noindex = plan.noindex;
    this.#body = plan.upgrade === undefined ? requestBody(request) : { kind: 'none' };
    this.#isRepeatable =
      this.#body.kind === 'none' && plan.upgrade === undefined && REPEATABLE.has(request.method ?? '');
    this.needs = plan.upgrade !== undefined ? 'new' : this.#isRepeatable ? 'any' : 'fresh';
    const expects = request.headers.expect !== undefined && response.isModern && this.#body.kind !== 'none';
    this.#expectation = expects ? new Expectation(response, () => this.#sendBody()) : undefined;
  }

  start(): void {
    this.#response.on('close', () => this.#abandon());
    if (this.#plan.upgrade !== undefined) this.#stopAhead = readAhead(this.#plan.upgrade);
    this.#plan.pool.take(this);
  }

  onConnection(connection: UpstreamConnection): void {
    const { path, host, peer, prefix, extra, upgrade } = this.#plan;
    const { method = 'GET', httpVersion, rawHeaders } = this.#request;
    this.#connection = connection;
    const head = upstreamHead({
      method,
      httpVersion,
      path,
      host,
      rawHeaders,
      peer,
      prefix,
      body: this.#body,
      expects: this.#expectation !== undefined,
      extra,
      upgrade: upgrade?.protocol,
    });
    this.#response.record.askedAt = performance.now();
    connection.begin(method, head, this);
    if (this.#body.kind === 'none') connection.endRequest();
    else if (this.#expectation === undefined) this.#sendBody();
    else this.#expectation.start();
  }

  onCrowded(): void {
    this.#over();
    this.#answer(ANSWERS.overloaded);
  }

  onInterim(head: ResponseHead): void {
    // One that nobody asked for says nothing, and takes some clients (undici, so Node's fetch) by surprise.
    if (head.status === 100 && this.#expectation?.isMet !== false) return;
    this.#response.sendInterim(head.status, head.reason, answerLines(head.headers, this, 'interim'));
    if (head.status === 100) this.#expectation?.meet();
  }

  onHead(head: ResponseHead, isFollowed: boolean): void {
    const { status, reason, framing, headers } = head;
    const response = this.#response;
    response.record.answeredAt = performance.now();
    this.#stopAhead?.();
    if (this.#plan.isDraining() || this.#endsUpload(head)) response.shouldKeepAlive = false;
    const kind = framing.kind === 'chunked' || framing.kind === 'until-close' ? 'stream' : framing.kind;
    const keep =
      kind === 'stream' ? (framing.kind === 'chunked' && response.isModern ? 'trailer' : 'neither') : 'length';
    const lines = answerLines(headers, this, kind === 'none' && status === 204 ? 'neither' : keep);
    const own = { status, reason, lines, framing: kind } as const;
    if (framing.kind === 'chunked') this.#namedFields = namedByConnection(headers);
    if (kind === 'stream' && isEventStream(headers)) this.#startEvents();
    // A stream shows its head at once, also when its first event is a long way off.
    if (isFollowed) this.#held = own;
    else response.sendHead(own);
  }

  onData(content: Buffer): void {
    const isTaken = this.#pass(content);
    this.#events?.passed(content);
    if (this.#events !== undefined) this.#plan.streamWatch?.used('app');
    if (isTaken || this.#isPaused || this.#isOver) return;
    const connection = this.#connection;
    this.#isPaused = true;
    connection?.pause();
    this.#response.whenDrained(() => {
      this.#isPaused = false;
      connection?.resume();
    });
  }

  onLast(content: Buffer): void {
    this.#over();
    this.#pass(content);
    this.#response.sendEnd();
  }

  onEnd(trailers: readonly string[]): void {
    this.#over();
    if (this.#held !== undefined) this.#startHeld(this.#held);
    this.#response.sendEnd(trailers.length > 0 ? trailerLines(trailers, this.#namedFields) : '');
  }

  onUpgrade(head: ResponseHead, upstream: Socket, rest: Buffer): void {
    this.#over();
    const { upgrade, noindex, streamWatch } = this.#plan;
    const cookie: CookieRule = (value) => this.cookie(value);
    if (upgrade === undefined || !isOffered(head, upgrade.protocol)) {
      upstream.destroy();
      this.#answer(ANSWERS.badGateway);
      return;
    }
    this.#response.record.isUpgraded = true;
    const { socket: client, rest: clientRest } = this.#stopAhead?.() ?? upgrade;
    const ends = { head, upstream, upstreamRest: rest, client, clientRest, response: this.#response, cookie, noindex };
    const opened = Tunnel.open({ ...ends, onUsed: streamWatch?.used });
    if (opened !== undefined) this.#enter(opened);
  }

  onFault(fault: UpstreamFault): void {
    const isUnanswered = fault.code === 'closed' && this.#connection?.hasAnswer === false && this.#isRepeatable;
    // The upstream closed an idle connection just when we took it: not a byte of an answer, so the request may be repeated.
    const isStale = isUnanswered && (this.#connection?.exchanges ?? 0) > 1;
    if (isStale && !this.#isOver) {
      this.needs = 'new';
      this.#response.record.retries += 1;
      this.#plan.pool.take(this);
      return;
    }
    const isOver = this.#isOver;
    this.#over();
    const { onUnreachable, isRelayed } = this.#plan;
    const isCut = isUnanswered && isRelayed === true && this.#response.record.retries < MOST_REPEATS;
    if ((isCut || (fault.code === 'unreachable' && this.#isUnread)) && !isOver && onUnreachable !== undefined) {
      if (isCut) this.#response.record.retries += 1;
      onUnreachable();
      return;
    }
    this.#response.record.fault = fault.code;
    if (this.#response.headersSent) this.#response.destroy();
    else this.#answer(this.#answerTo(fault));
  }

  /** Whether the request can still be passed on as it came. */
  get #isUnread(): boolean {
    return this.#body.kind === 'none' && this.#plan.upgrade === undefined;
  }

  get isWritten(): boolean {
    return this.#response.isWritten;
  }

  location(value: string): string {
    return mapLocation(value, this.#plan.locations());
  }

  refresh(value: string): string {
    return mapRefresh(value, this.#plan.locations());
  }

  cookie(value: string): string {
    return mapCookie(this.#plan.cookie(value), this.#plan.locations());
  }

  #startEvents(): void {
    this.#events = new EventStream({
      finish: () => {
        if (this.#isOver) return;
        this.#over();
        this.#connection?.abandon();
        this.#response.sendEnd();
      },
      cut: () => this.#response.destroy(),
    });
    this.#enter(this.#events);
  }

  #enter(stream: OpenStream): void {
    const { streams, instance, streamWatch } = this.#plan;
    streamWatch?.opened();
    this.#response.once('close', streams.add(instance, stream));
  }

  #pass(content: Buffer): boolean {
    const head = this.#held;
    return head === undefined ? this.#response.sendContent(content) : this.#startHeld(head, content);
  }

  #startHeld(head: ClientHead, content?: Buffer): boolean {
    this.#held = undefined;
    this.#response.hold(this.#plan.pool.writes);
    return this.#response.sendHead(head, content);
  }

  /** Whether the answer comes instead of the rest of the request: a client that reads this stops sending (RFC 9112, 9.3). */
  #endsUpload({ status, keepAlive }: ResponseHead): boolean {
    if (this.#request.complete || this.#body.kind === 'none') return false;
    return this.#expectation?.isMet === false || status >= 400 || !keepAlive;
  }

  #answer(answer: Answer): void {
    if (this.#plan.noindex) markNoindex(this.#response);
    if (this.#body.kind !== 'none' && !this.#request.complete) {
      this.#response.shouldKeepAlive = false;
      lingerAtEnd(this.#request.socket);
    }
    sendAnswer(this.#request, this.#response, answer);
  }

  #answerTo(fault: UpstreamFault): Answer {
    if (fault.code === 'timeout') return ANSWERS.gatewayTimeout;
    return fault.code === 'unreachable' ? (this.#plan.unreachable ?? ANSWERS.badGateway) : ANSWERS.badGateway;
  }

  #refuseBody(answer: Answer): void {
    this.#abandon();
    if (this.#response.headersSent) this.#response.destroy();
    else this.#answer(answer);
  }

  /** The client is gone, or everything is done: then this does nothing. */
  #abandon(): void {
    if (this.#isOver) return;
    this.#plan.pool.leave(this);
    this.#over();
    this.#connection?.abandon();
  }

  #over(): void {
    this.#isOver = true;
    this.#expectation?.cancel();
    this.#sender?.stop();
  }

  #sendBody(): void {
    if (this.#connection === undefined || this.#isOver) return;
    this.#sender = new BodySender(this.#request, this.#connection, {
      isChunked: this.#body.kind === 'chunked',
      maxBytes: this.#plan.maxBodyBytes,
      onTooLong: () => this.#refuseBody(ANSWERS.tooLarge),
      timeoutMs: this.#plan.bodyTimeoutMs,
      onStalled: () => this.#refuseBody(ANSWERS.timeout),
    });
    this.#sender.start();
  }
}
