import { ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { RequestRecord } from '../observe/request-record.ts';
import { linger } from './linger.ts';
import type { Holder, WriteBatch } from './write-batch.ts';

/** How long an idle connection of a client is kept, as clients are told. */
export const KEEP_ALIVE_SECONDS = 65;

/** Content up to this is copied when it is sent: its memory may be used again at once. */
export const COPIED_BYTES = 4_096;

/** The head of an answer on its way to a client. Framing and `Connection` are added when it is sent. */
export interface ClientHead {
  readonly status: number;
  readonly reason: string;
  /** Header lines, each with its end; `Content-Length` is among them where `framing` says `length`. */
  readonly lines: string;
  /** `none`: no content follows. `length`: as many bytes as the lines say. `stream`: until it ends. */
  readonly framing: 'none' | 'length' | 'stream';
}

// How long a client may take to complete a request whose answer is complete, if its connection is to be kept.
const REST_MS = 1_000;
const KEPT = `Connection: keep-alive\r\nKeep-Alive: timeout=${KEEP_ALIVE_SECONDS}\r\n`;
const CLOSED = 'Connection: close\r\n';

/**
 * The response to one request of a client. Beside what every `ServerResponse` can do, an answer that is passed on is written
 * straight to the connection, which costs half; `sendHead`, `sendContent` and `sendEnd` do that, and only while it is this
 * response's turn on the connection (see `ClientConnections`). All that leans on how node:http works is in this class: that a
 * response which emits `finish` has ended, and that one with a `socket` has its turn.
 */
export class ClientResponse extends ServerResponse implements Holder {
  declare readonly headersSent: boolean;
  /** What is noted of the request. */
  readonly record = new RequestRecord(performance.now());
  /** The name of the request, which the answer repeats; empty until it has one. */
  requestId = '';
  #hasBegun = false;
  #isChunked = false;
  #isKept = false;
  #isEnded = false;
  /** The connection while what is written to it is held back. */
  #held: Socket | undefined;
  #endsWithHold = false;
  /** What is still to follow of an informational answer that was begun. */
  #probeRest = '';

  static {
    // A property in the types, an accessor in truth.
    const inherited = (response: ServerResponse) => Reflect.get(ServerResponse.prototype, 'headersSent', response);
    Object.defineProperty(ClientResponse.prototype, 'headersSent', {
      configurable: true,
      get(this: ClientResponse) {
        return this.#hasBegun || (inherited(this) as boolean);
      },
    });
  }

  /** Whether the client speaks HTTP/1.1: it knows chunks and informational answers. */
  get isModern(): boolean {
    return this.req.httpVersionMinor === 1;
  }

  /** Whether the whole answer was handed to the kernel. */
  get isComplete(): boolean {
    return this.#isEnded || this.writableFinished;
  }

  /** Whether everything that was sent is with the kernel. */
  get isWritten(): boolean {
    return (this.socket?.writableLength ?? 0) === 0;
  }

  override writeHead(...args: unknown[]): this {
    this.finishProbe();
    this.record.headAt = performance.now();
    if (this.requestId !== '') this.setHeader('X-Request-Id', this.requestId);
    return super.writeHead(...(args as Parameters<ServerResponse['writeHead']>)) as this;
  }

  /** Cuts the connection behind what was sent. */
  override destroy(error?: Error): this {
    this.release();
    return super.destroy(error);
  }

  /** Sends an informational answer. Clients of HTTP/1.0 get none (RFC 9110, 15.2). */
  sendInterim(status: number, reason: string, lines: string): void {
    if (!this.isModern || this.headersSent) return;
    this.finishProbe();
    this.socket?.write(`HTTP/1.1 ${status} ${reason || (STATUS_CODES[status] ?? '')}\r\n${lines}\r\n`, 'latin1');
  }

  /** Sends the beginning of an informational answer: if nobody is there any more, the rest will not get through. */
  startProbe(): void {
    if (!this.isModern || this.headersSent || this.#probeRest !== '') return;
    this.#probeRest = '\r\n\r\n';
    this.socket?.write('HTTP/1.1 100 Continue', 'latin1');
  }

  /** Sends the middle of what `startProbe` began, if that is open. */
  continueProbe(): void {
    if (this.#probeRest.length !== 4) return;
    this.#probeRest = '\r\n';
    this.socket?.write('\r\n', 'latin1');
  }

  /** Sends the end of what `startProbe` began, if that is still open. */
  finishProbe(): void {
    if (this.#probeRest !== '') this.socket?.write(this.#takeProbeRest(), 'latin1');
  }

  /** What is sent from here on may go out together with what others send in this turn. */
  hold(writes: WriteBatch): void {
    const { socket } = this;
    if (socket === null || this.#held !== undefined) return;
    socket.cork();
    this.#held = socket;
    writes.add(this);
  }

  release(): void {
    this.#held?.uncork();
    this.#held = undefined;
    if (this.#endsWithHold) this.#finish();
  }

  /** Sends the head, and the first content with it. False: wait with the next content, see `whenDrained`. */
  sendHead(head: ClientHead, content?: Buffer): boolean {
    const { socket } = this;
    if (socket === null) return true;
    const text = this.#begin(head);
    if (content === undefined) return socket.write(text, 'latin1');
    if (this.#isChunked) return writeChunk(socket, content, text);
    return writeTogether(socket, text, content);
  }

  /** Sends more content. False: wait with the next, see `whenDrained`. */
  sendContent(content: Buffer): boolean {
    const { socket } = this;
    if (socket === null || content.length === 0) return true;
    if (this.#isChunked) return writeChunk(socket, content, '');
    return content.length <= COPIED_BYTES ? socket.write(content.toString('latin1'), 'latin1') : socket.write(content);
  }

  /** Ends the answer; trailers are complete lines, and dropped where no chunks were sent. */
  sendEnd(trailers = ''): void {
    if (this.#isChunked) this.socket?.write(`0\r\n${trailers}\r\n`, 'latin1');
    if (this.#held === undefined) this.#finish();
    else this.#endsWithHold = true;
  }

  /** Calls once, when the client has taken what was sent. */
  whenDrained(listener: () => void): void {
    this.socket?.once('drain', listener);
  }

  #begin({ status, reason, lines, framing }: ClientHead): string {
    this.#hasBegun = true;
    this.record.headAt = performance.now();
    this.#isChunked = framing === 'stream' && this.isModern;
    // HTTP/1.0 knows no other end of a stream than the end of the connection.
    this.#isKept = this.shouldKeepAlive && (framing !== 'stream' || this.#isChunked);
    this.statusCode = status;
    const coding = this.#isChunked ? 'Transfer-Encoding: chunked\r\n' : '';
    const id = this.requestId === '' ? '' : `X-Request-Id: ${this.requestId}\r\n`;
    return `${this.#takeProbeRest()}HTTP/1.1 ${status} ${reason}\r\n${lines}${id}${coding}${this.#isKept ? KEPT : CLOSED}\r\n`;
  }

  #takeProbeRest(): string {
    const rest = this.#probeRest;
    this.#probeRest = '';
    return rest;
  }

  #finish(): void {
    const { socket } = this;
    if (socket === null || socket.destroyed) return;
    if (socket.writableLength === 0) this.#flushed(socket);
    else socket.write('', () => this.#flushed(socket));
  }

  /** The whole answer is with the kernel. A request that still arrives gets a moment, so that the connection can be kept. */
  #flushed(socket: Socket): void {
    if (this.socket !== socket || socket.destroyed) return;
    if (!this.#isKept || this.#hasAllOfRequest()) this.#ended(socket);
    else this.#awaitRest(socket);
  }

  /** The parser says so of a request without a body only after it was handed over. */
  #hasAllOfRequest(): boolean {
    const { complete, headers } = this.req;
    return complete || (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined);
  }

  #awaitRest(socket: Socket): void {
    const timer = setTimeout(() => this.#ended(socket), REST_MS);
    this.req.once('close', () => {
      clearTimeout(timer);
      this.#ended(socket);
    });
    this.req.resume();
  }

  #ended(socket: Socket): void {
    if (this.socket !== socket || socket.destroyed) return;
    const isWhole = this.#hasAllOfRequest();
    this.finished = true;
    this.#isEnded = true;
    this.emit('finish');
    if (!isWhole) linger(socket);
    else if (!this.#isKept) socket.destroySoon();
  }
}

/** Small content goes with the head as one text, which is the cheapest write there is. */
function writeTogether(socket: Socket, text: string, content: Buffer): boolean {
  if (content.length <= COPIED_BYTES) return socket.write(text + content.toString('latin1'), 'latin1');
  socket.cork();
  socket.write(text, 'latin1');
  const isRoom = socket.write(content);
  socket.uncork();
  return isRoom;
}

function writeChunk(socket: Socket, content: Buffer, before: string): boolean {
  const size = `${before}${content.length.toString(16)}\r\n`;
  if (content.length <= COPIED_BYTES) return socket.write(`${size}${content.toString('latin1')}\r\n`, 'latin1');
  socket.cork();
  socket.write(size, 'latin1');
  socket.write(content);
  const isRoom = socket.write('\r\n', 'latin1');
  socket.uncork();
  return isRoom;
}
