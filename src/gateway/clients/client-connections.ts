import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { ClientResponse } from './client-response.ts';

/** Answers one request. */
export type Serve = (request: IncomingMessage, response: ClientResponse) => void;

interface Turn {
  readonly request: IncomingMessage;
  readonly response: ClientResponse;
  readonly serve: Serve;
}

/** What is known of one connection. */
interface Line {
  readonly socket: Socket;
  current: ClientResponse | undefined;
  readonly waiting: Turn[];
  isPaused: boolean;
  /** What is to follow the last answer. */
  last: (() => void) | undefined;
}

// More requests than this that wait for their turn stop the reading; what was read by then stays bounded by one read.
const MOST_WAITING = 16;
const PROBE_MS = [100, 1_000];
const SILENCE_CHECK_MS = 500;
const MOST_SILENCE_MS = 2_000;

/**
 * The connections of clients. The requests of one are served one after the other, in order, however many have come already
 * (RFC 9112, 9.3.2): so a response that is being served always has the connection to itself.
 */
export class ClientConnections {
  readonly #lines = new WeakMap<Socket, Line>();

  /** The connection is new. */
  watch(socket: Socket): void {
    const line: Line = { socket, current: undefined, waiting: [], isPaused: false, last: undefined };
    this.#lines.set(socket, line);
    socket.on('end', () => watchHalfClosed(line));
  }

  /** Serves a request when it is its turn: at once, unless another one of the connection is being served. */
  enter(request: IncomingMessage, response: ClientResponse, serve: Serve): void {
    const line = this.#lines.get(request.socket);
    if (line === undefined || line.current === undefined) this.#serve(line, { request, response, serve });
    else {
      line.waiting.push({ request, response, serve });
      // The parser reads on once it is done with what it has, so this has to come later.
      if (line.waiting.length === MOST_WAITING) process.nextTick(() => this.#pause(line));
    }
  }

  /** What is being answered on a connection now. */
  current(socket: Socket): ClientResponse | undefined {
    return this.#lines.get(socket)?.current;
  }

  /** Calls when everything that came in whole was answered; at once, if nothing is left. */
  afterLast(socket: Socket, last: () => void): void {
    const line = this.#lines.get(socket);
    if (line?.current === undefined) last();
    else line.last ??= last;
  }

  #serve(line: Line | undefined, { request, response, serve }: Turn): void {
    if (line !== undefined) {
      line.current = response;
      // It closes once; `once` would cost more than what it calls.
      response.on('close', () => this.#next(line));
    }
    serve(request, response);
  }

  #next(line: Line): void {
    line.current = undefined;
    if (!line.socket.writable) return;
    const turn = line.waiting.shift();
    // What broke off is the last one, and will never be whole.
    const isBroken = line.last !== undefined && turn?.request.complete === false;
    if (turn !== undefined && !isBroken) this.#serve(line, turn);
    else line.last?.();
    if (line.isPaused && line.waiting.length < MOST_WAITING / 2) {
      line.isPaused = false;
      line.socket.resume();
    }
  }

  #pause(line: Line): void {
    if (line.waiting.length < MOST_WAITING || line.isPaused) return;
    line.isPaused = true;
    line.socket.pause();
  }
}

/**
 * A client that has ended its side may be waiting for its answer or be gone; both look the same. Before the answer begins it gets
 * an informational one, in parts: if it is gone, the second part fails and cancels the request. After that, what is written
 * tells; where nothing is, silence ends it.
 */
function watchHalfClosed(line: Line): void {
  const { socket, current } = line;
  if (current === undefined || socket.destroyed) return;
  current.startProbe();
  const timers = PROBE_MS.map((ms, at) => setTimeout(() => probe(line, current, at), ms));
  let written = socket.bytesWritten;
  let since = performance.now();
  const silence = setInterval(() => {
    const isBusy = socket.bytesWritten !== written || socket.writableLength > 0 || line.current?.headersSent !== true;
    written = socket.bytesWritten;
    if (isBusy) since = performance.now();
    else if (performance.now() - since >= MOST_SILENCE_MS) socket.destroy();
  }, SILENCE_CHECK_MS);
  socket.once('close', () => {
    for (const timer of timers) clearTimeout(timer);
    clearInterval(silence);
  });
}

function probe({ socket }: Line, response: ClientResponse, at: number): void {
  if (response.socket !== socket || response.headersSent) return;
  if (at === PROBE_MS.length - 1) response.finishProbe();
  else response.continueProbe();
}
