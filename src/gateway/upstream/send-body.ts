import type { IncomingMessage } from 'node:http';
import { BodyClock } from '../clients/body-clock.ts';
import { giveBack } from '../clients/give-back.ts';
import { trailerLines } from '../reading/trailers.ts';
import { namedByConnection } from './forward-headers.ts';
import type { UpstreamConnection } from './upstream-connection.ts';

/** How a body is passed on. */
export interface BodySenderOptions {
  readonly isChunked: boolean;
  /** More than this is not passed on. */
  readonly maxBytes?: number | undefined;
  readonly onTooLong: () => void;
  /** It may stand still for so long. */
  readonly timeoutMs?: number | undefined;
  readonly onStalled: () => void;
}

/** Passes the body of a request on to an upstream as it arrives; who reads slowly there slows the client down. */
export class BodySender {
  readonly #request: IncomingMessage;
  readonly #connection: UpstreamConnection;
  readonly #options: BodySenderOptions;
  #left: number;
  #clock: BodyClock | undefined;
  #isOver = false;

  constructor(request: IncomingMessage, connection: UpstreamConnection, options: BodySenderOptions) {
    this.#request = request;
    this.#connection = connection;
    this.#options = options;
    this.#left = options.maxBytes ?? Number.POSITIVE_INFINITY;
  }

  start(): void {
    this.#request.on('data', (content: Buffer) => this.#send(content));
    this.#request.on('end', () => this.#end());
    const { timeoutMs, onStalled } = this.#options;
    if (timeoutMs !== undefined && !this.#request.complete)
      this.#clock = new BodyClock(this.#request, timeoutMs, onStalled);
    // It may have been read a little, and stopped.
    this.#request.resume();
  }

  /** The exchange is over: what still comes is read and dropped. */
  stop(): void {
    this.#isOver = true;
    this.#clock?.stop();
    this.#request.resume();
  }

  #send(content: Buffer): void {
    if (this.#isOver) return;
    this.#left -= content.length;
    if (this.#left < 0) {
      this.#options.onTooLong();
      return;
    }
    const isRoom = this.#options.isChunked ? writeChunk(this.#connection, content) : this.#connection.write(content);
    const { socket } = this.#connection;
    if (socket.writableLength === 0) giveBack(content);
    if (isRoom) return;
    this.#request.pause();
    socket.once('drain', () => {
      giveBack(content);
      this.#request.resume();
    });
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#clock?.stop();
    const { rawTrailers, rawHeaders } = this.#request;
    const trailers = rawTrailers.length === 0 ? '' : trailerLines(rawTrailers, namedByConnection(rawHeaders));
    if (this.#options.isChunked) this.#connection.write(`0\r\n${trailers}\r\n`);
    this.#connection.endRequest();
  }
}

function writeChunk(connection: UpstreamConnection, content: Buffer): boolean {
  connection.socket.cork();
  connection.write(`${content.length.toString(16)}\r\n`);
  connection.write(content);
  const isRoom = connection.write('\r\n');
  connection.socket.uncork();
  return isRoom;
}
