import type { Socket } from 'node:net';
import { ChunkedDecoder } from './chunked-decoder.ts';
import { malformed, parseResponseHead, type ResponseHead, UpstreamFault } from './response-head.ts';

const MAX_HEAD = 65_536;
const HEAD_END = Buffer.from('\r\n\r\n');
const NOTHING = Buffer.alloc(0);

/** Hears what comes of one request. The last call is exactly one of `onLast`, `onEnd`, `onUpgrade` and `onFault`. */
export interface ExchangeHandler {
  onHead(head: ResponseHead): void;
  /** Content that is not the last; may call `pause`. */
  onData(content: Buffer): void;
  /** Content, and the end. */
  onLast(content: Buffer): void;
  onEnd(trailers: readonly string[]): void;
  /** The protocol was switched: the connection belongs to the handler from here on, and `rest` has come already. */
  onUpgrade(head: ResponseHead, socket: Socket, rest: Buffer): void;
  onFault(fault: UpstreamFault): void;
}

/** What the owner of a connection hears: it can carry another request, or it is gone. Each comes as often as it happens. */
export interface ConnectionOwner {
  onIdle(connection: UpstreamConnection): void;
  onGone(connection: UpstreamConnection): void;
}

/** Time limits of an exchange, in milliseconds. There is none on a body that has begun. */
export interface UpstreamTimeouts {
  readonly connectMs: number;
  readonly headMs: number;
}

/**
 * One HTTP/1.1 connection to an upstream, one exchange at a time. Anything unexpected on it (bytes nobody asked for, bad
 * framing) closes it; it is never used again after that.
 */
export class UpstreamConnection {
  readonly socket: Socket;
  /** When it was last given back, by the monotonic clock. */
  idleSince = 0;
  /** How many exchanges began on it. */
  exchanges = 0;
  /** When the current phase is over time. */
  deadline = Number.POSITIVE_INFINITY;
  readonly #owner: ConnectionOwner;
  readonly #timeouts: UpstreamTimeouts;
  #handler: ExchangeHandler | undefined;
  #method = '';
  #requestIsSent = false;
  #head: ResponseHead | undefined;
  #gathered: Buffer = NOTHING;
  #left = 0;
  #chunked: ChunkedDecoder | undefined;
  readonly #listeners = [
    ['connect', () => this.#setDeadline(this.#timeouts.headMs)],
    ['data', (bytes: Buffer) => this.#receive(bytes)],
    ['end', () => this.#ended()],
    ['error', (error: Error) => this.#broken(error)],
  ] as const;

  constructor(socket: Socket, owner: ConnectionOwner, timeouts: UpstreamTimeouts) {
    this.socket = socket;
    this.#owner = owner;
    this.#timeouts = timeouts;
    socket.setNoDelay(true);
    for (const [event, listener] of this.#listeners) socket.on(event, listener);
    socket.on('close', () => this.#closed());
  }

  /** Whether anything of the answer has come. */
  get hasAnswer(): boolean {
    return this.#head !== undefined || this.#gathered.length > 0;
  }

  /** Begins an exchange by sending the head. The body follows by `write`, its end by `endRequest`. */
  begin(method: string, head: string, handler: ExchangeHandler): void {
    this.#handler = handler;
    this.#method = method;
    this.#requestIsSent = false;
    this.#head = undefined;
    this.#chunked = undefined;
    this.exchanges += 1;
    this.#setDeadline(this.socket.connecting ? this.#timeouts.connectMs : this.#timeouts.headMs);
    this.socket.write(head, 'latin1');
  }

  /** Sends a part of the body, framed by the caller. False: wait for `drain` of the socket. */
  write(bytes: Buffer | string): boolean {
    if (!this.socket.connecting && this.#head === undefined) this.#setDeadline(this.#timeouts.headMs);
    return this.socket.write(bytes as Buffer);
  }

  /** The request is complete. */
  endRequest(): void {
    this.#requestIsSent = true;
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Gives up: the handler hears nothing any more. */
  abandon(): void {
    this.#handler = undefined;
    this.socket.destroy();
  }

  /** The current phase took too long. */
  expire(): void {
    const phase = this.socket.connecting ? 'connect' : 'answer';
    this.#fail(new UpstreamFault('timeout', `the upstream did not ${phase} in time`));
  }

  #setDeadline(ms: number): void {
    this.deadline = performance.now() + ms;
  }

  #receive(bytes: Buffer): void {
    try {
      if (this.#handler === undefined) this.socket.destroy();
      else if (this.#head === undefined) this.#receiveHead(bytes);
      else this.#receiveBody(bytes);
    } catch (error) {
      if (!(error instanceof UpstreamFault)) throw error;
      this.#fail(error);
    }
  }

  #receiveHead(bytes: Buffer): void {
    const all = this.#gathered.length === 0 ? bytes : Buffer.concat([this.#gathered, bytes]);
    const end = all.indexOf(HEAD_END);
    if (end < 0 ? all.length > MAX_HEAD : end > MAX_HEAD) throw malformed('head too long');
    this.#gathered = end < 0 ? all : NOTHING;
    if (end >= 0)
      this.#startAnswer(parseResponseHead(all.toString('latin1', 0, end), this.#method), all.subarray(end + 4));
  }

  #startAnswer(head: ResponseHead, rest: Buffer): void {
    if (head.status === 101) this.#switchProtocol(head, rest);
    else if (head.status >= 200) this.#startFinalAnswer(head, rest);
    // Other informational answers are between us and the upstream: we never ask for one.
    else if (rest.length > 0) this.#receiveHead(rest);
  }

  #startFinalAnswer(head: ResponseHead, rest: Buffer): void {
    this.#head = head;
    this.deadline = Number.POSITIVE_INFINITY;
    this.#handler?.onHead(head);
    if (head.framing.kind === 'length') this.#left = head.framing.length;
    if (head.framing.kind === 'chunked') this.#chunked = new ChunkedDecoder();
    if (head.framing.kind === 'none' || (head.framing.kind === 'length' && this.#left === 0)) {
      this.#complete([], rest.length);
    } else if (rest.length > 0) this.#receiveBody(rest);
  }

  #switchProtocol(head: ResponseHead, rest: Buffer): void {
    const handler = this.#handler;
    this.#handler = undefined;
    this.deadline = Number.POSITIVE_INFINITY;
    for (const [event, listener] of this.#listeners) this.socket.off(event, listener);
    handler?.onUpgrade(head, this.socket, rest);
  }

  #receiveBody(bytes: Buffer): void {
    if (this.#chunked !== undefined) this.#receiveChunked(this.#chunked, bytes);
    else if (this.#head?.framing.kind === 'until-close') this.#handler?.onData(bytes);
    else if (bytes.length < this.#left) {
      this.#left -= bytes.length;
      this.#handler?.onData(bytes);
    } else this.#receiveLast(bytes);
  }

  #receiveLast(bytes: Buffer): void {
    const handler = this.#handler;
    this.#release(bytes.length - this.#left);
    handler?.onLast(bytes.length === this.#left ? bytes : bytes.subarray(0, this.#left));
  }

  #receiveChunked(decoder: ChunkedDecoder, bytes: Buffer): void {
    const used = decoder.decode(bytes, (content) => this.#handler?.onData(content));
    if (decoder.isDone) this.#complete(decoder.trailers, bytes.length - used);
  }

  #complete(trailers: readonly string[], extraBytes: number): void {
    const handler = this.#handler;
    this.#release(extraBytes);
    handler?.onEnd(trailers);
  }

  /** The answer is over. The connection is kept only when both sides are exactly at the end of an exchange. */
  #release(extraBytes: number): void {
    this.#handler = undefined;
    const isKept = this.#head?.keepAlive === true && this.#requestIsSent && extraBytes === 0 && !this.socket.destroyed;
    if (!isKept) this.socket.destroy();
    else {
      this.socket.resume();
      this.idleSince = performance.now();
      this.#owner.onIdle(this);
    }
  }

  #ended(): void {
    if (this.#head?.framing.kind === 'until-close' && this.#handler !== undefined) this.#complete([], 0);
    else this.#fail(new UpstreamFault('closed', 'the upstream closed the connection'));
  }

  #broken(error: Error): void {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof UpstreamFault) this.#fail(error);
    else if (code === 'ECONNRESET' || code === 'EPIPE')
      this.#fail(new UpstreamFault('closed', 'the connection broke', { cause: error }));
    else this.#fail(new UpstreamFault('unreachable', 'the upstream cannot be reached', { cause: error }));
  }

  #closed(): void {
    this.#fail(new UpstreamFault('closed', 'the upstream closed the connection'));
    this.#owner.onGone(this);
  }

  #fail(fault: UpstreamFault): void {
    const handler = this.#handler;
    this.#handler = undefined;
    this.deadline = Number.POSITIVE_INFINITY;
    this.socket.destroy();
    handler?.onFault(fault);
  }
}
