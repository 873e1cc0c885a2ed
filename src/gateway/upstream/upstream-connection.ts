import type { Socket } from 'node:net';
import type { Holder, WriteBatch } from '../clients/write-batch.ts';
import { ChunkedDecoder } from '../reading/chunked-decoder.ts';
import { malformed, parseResponseHead, type ResponseHead, UpstreamFault } from '../reading/response-head.ts';
import type { Connect } from './connect-target.ts';
import { ReadBuffers } from './read-buffers.ts';

const MAX_HEAD = 65_536;
const HEAD_END = Buffer.from('\r\n\r\n');
const NOTHING = Buffer.alloc(0);
/** How many informational answers one request may get, and how long their heads may be in all, before the upstream is cut off. */
const MOST_INTERIM = 64;

/** Hears what comes of one request. The last call is exactly one of `onLast`, `onEnd`, `onUpgrade` and `onFault`. */
export interface ExchangeHandler {
  /** An informational answer; any number of them, up to `MOST_INTERIM`, before the head. */
  onInterim(head: ResponseHead): void;
  /** The head of the final answer. `isFollowed`: content or the end comes at once, in this very turn. */
  onHead(head: ResponseHead, isFollowed: boolean): void;
  /** Content that is not the last; may call `pause`. Up to `COPIED_BYTES` of it lie in memory that is used again after this call. */
  onData(content: Buffer): void;
  /** Whether all content that was given has been written, so that nobody looks at it again. */
  readonly isWritten: boolean;
  /** Content, and the end. The same holds for its memory. */
  onLast(content: Buffer): void;
  onEnd(trailers: readonly string[]): void;
  /** The protocol was switched: the connection belongs to the handler from here on, and `rest` has come already. */
  onUpgrade(head: ResponseHead, socket: Socket, rest: Buffer): void;
  onFault(fault: UpstreamFault): void;
}

/** What the owner of a connection hears: it can carry another request, or it is gone, which may be said more than once. */
export interface ConnectionOwner {
  onIdle(connection: UpstreamConnection): void;
  onGone(connection: UpstreamConnection): void;
}

/** Time limits of an exchange, in milliseconds. There is none on a body that has begun. */
export interface UpstreamTimeouts {
  readonly connectMs: number;
  readonly headMs: number;
  /** How long a connection that nobody uses is kept. */
  readonly idleMs: number;
}

/** What a connection is made with. */
export interface ConnectionOptions {
  readonly connect: Connect;
  readonly timeouts: UpstreamTimeouts;
  readonly writes: WriteBatch;
}

/**
 * One HTTP/1.1 connection to an upstream, one exchange at a time. Anything unexpected on it (bytes nobody asked for, bad
 * framing) closes it; it is never used again after that.
 */
export class UpstreamConnection implements Holder {
  readonly socket: Socket;
  /** When it was last given back, by the monotonic clock. */
  idleSince = 0;
  /** How many exchanges began on it. */
  exchanges = 0;
  /** When the current phase is over time. */
  deadline = Number.POSITIVE_INFINITY;
  readonly #owner: ConnectionOwner;
  readonly #timeouts: UpstreamTimeouts;
  readonly #writes: WriteBatch;
  #handler: ExchangeHandler | undefined;
  #method = '';
  #requestIsSent = false;
  #head: ResponseHead | undefined;
  #gathered: Buffer = NOTHING;
  #left = 0;
  #interims = 0;
  #interimBytes = 0;
  #chunked: ChunkedDecoder | undefined;
  #isSwitched = false;
  readonly #buffers = new ReadBuffers();
  readonly #listeners = [
    ['connect', () => this.#awaitProgress()],
    ['drain', () => this.#awaitProgress()],
    ['data', (bytes: Buffer) => this.#receive(bytes)],
    ['end', () => this.#ended()],
    ['error', (error: Error) => this.#broken(error)],
  ] as const;

  constructor({ connect, timeouts, writes }: ConnectionOptions, owner: ConnectionOwner) {
    this.#owner = owner;
    this.#timeouts = timeouts;
    this.#writes = writes;
    this.socket = connect({
      nextBuffer: () => this.#buffers.next(this.#handler !== undefined && this.#head !== undefined),
      // After the switch whoever has the socket listens to it as to any stream.
      onBytes: (bytes) => void (this.#isSwitched ? this.socket.emit('data', Buffer.from(bytes)) : this.#receive(bytes)),
    });
    this.socket.setNoDelay(true);
    for (const [event, listener] of this.#listeners) this.socket.on(event, listener);
    this.socket.on('close', () => this.#closed());
  }

  /** Whether anything of the answer has come. */
  get hasAnswer(): boolean {
    return this.#head !== undefined || this.#gathered.length > 0 || this.#interims > 0;
  }

  /** Begins an exchange by sending the head. The body follows by `write`, its end by `endRequest`. */
  begin(method: string, head: string, handler: ExchangeHandler): void {
    this.#handler = handler;
    this.#method = method;
    this.#requestIsSent = false;
    this.#head = undefined;
    this.#chunked = undefined;
    this.#interims = 0;
    this.#interimBytes = 0;
    this.exchanges += 1;
    this.socket.cork();
    this.#writes.add(this);
    this.socket.write(head, 'latin1');
    if (this.socket.connecting) this.#setDeadline(this.#timeouts.connectMs);
    else this.#awaitProgress();
  }

  release(): void {
    this.socket.uncork();
  }

  /** Sends a part of the body, framed by the caller. False: wait for `drain` of the socket. */
  write(bytes: Buffer | string): boolean {
    const isRoom = this.socket.write(bytes as Buffer);
    this.#awaitProgress();
    return isRoom;
  }

  /** The request is complete. */
  endRequest(): void {
    this.#requestIsSent = true;
    this.#awaitProgress();
  }

  pause(): void {
    this.socket.pause();
  }

  /** Goes on. What was given before has been written by now. */
  resume(): void {
    this.#buffers.written();
    this.socket.resume();
  }

  /** Ends the connection; the handler, if there is one, hears a fault. */
  close(): void {
    this.#fail(new UpstreamFault('closed', 'the connection was closed'));
  }

  /** Gives up: the handler hears nothing any more. */
  abandon(): void {
    this.#handler = undefined;
    this.#end();
  }

  /** The current phase took too long. */
  expire(): void {
    const phase = this.socket.connecting ? 'connect' : 'answer';
    this.#fail(new UpstreamFault('timeout', `the upstream did not ${phase} in time`));
  }

  /** The client may take its time with the request, the upstream may not: neither to read it nor to begin its answer. */
  #awaitProgress(): void {
    if (this.socket.connecting || this.#head !== undefined || this.#handler === undefined) return;
    if (this.#requestIsSent || this.socket.writableNeedDrain) this.#setDeadline(this.#timeouts.headMs);
    else this.deadline = Number.POSITIVE_INFINITY;
  }

  #setDeadline(ms: number): void {
    this.deadline = performance.now() + ms;
  }

  #receive(bytes: Buffer): void {
    try {
      if (this.#handler === undefined) this.#end();
      else if (this.#head === undefined) this.#receiveHead(bytes);
      else this.#passBody(bytes);
    } catch (error) {
      if (!(error instanceof UpstreamFault)) throw error;
      this.#fail(error);
    }
  }

  #receiveHead(bytes: Buffer): void {
    const all = this.#gathered.length === 0 ? bytes : Buffer.concat([this.#gathered, bytes]);
    const end = all.indexOf(HEAD_END);
    if (end < 0 ? all.length > MAX_HEAD : end > MAX_HEAD) throw malformed('head too long');
    // What was gathered before has a copy of its own already.
    this.#gathered = end >= 0 ? NOTHING : all === bytes ? Buffer.from(bytes) : all;
    if (end >= 0)
      this.#startAnswer(parseResponseHead(all.toString('latin1', 0, end), this.#method), all.subarray(end + 4));
  }

  #startAnswer(head: ResponseHead, rest: Buffer): void {
    if (head.status === 101) this.#switchProtocol(head, rest);
    else if (head.status >= 200) this.#startFinalAnswer(head, rest);
    else this.#passInterim(head, rest);
  }

  #passInterim(head: ResponseHead, rest: Buffer): void {
    this.#interims += 1;
    for (const text of head.headers) this.#interimBytes += text.length;
    if (this.#interims > MOST_INTERIM || this.#interimBytes > MAX_HEAD)
      throw malformed('too many informational answers');
    this.#handler?.onInterim(head);
    if (rest.length > 0) this.#receiveHead(rest);
  }

  #startFinalAnswer(head: ResponseHead, rest: Buffer): void {
    this.#head = head;
    this.deadline = Number.POSITIVE_INFINITY;
    if (head.framing.kind === 'length') this.#left = head.framing.length;
    if (head.framing.kind === 'chunked') this.#chunked = new ChunkedDecoder();
    const isBare = head.framing.kind === 'none' || (head.framing.kind === 'length' && this.#left === 0);
    this.#handler?.onHead(head, isBare || rest.length > 0);
    if (isBare) {
      this.#complete([], rest.length);
    } else if (rest.length > 0) this.#passBody(rest);
  }

  #switchProtocol(head: ResponseHead, rest: Buffer): void {
    const handler = this.#handler;
    this.#handler = undefined;
    this.deadline = Number.POSITIVE_INFINITY;
    for (const [event, listener] of this.#listeners) this.socket.off(event, listener);
    this.#isSwitched = true;
    handler?.onUpgrade(head, this.socket, Buffer.from(rest));
  }

  #passBody(bytes: Buffer): void {
    const handler = this.#handler;
    const content = this.#buffers.contentOf(bytes);
    this.#receiveBody(content);
    this.#buffers.passed(content, { isWritten: handler?.isWritten === true, isLast: this.#handler !== handler });
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
    if (!isKept) this.#end();
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
  }

  #fail(fault: UpstreamFault): void {
    const handler = this.#handler;
    this.#handler = undefined;
    this.deadline = Number.POSITIVE_INFINITY;
    this.#end();
    handler?.onFault(fault);
  }

  #end(): void {
    this.socket.destroy();
    this.#owner.onGone(this);
  }
}
