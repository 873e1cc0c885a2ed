import type { Socket } from 'node:net';
import { FrameTracker } from './frame-tracker.ts';

/** One direction of a tunnel: bytes as they come, with back-pressure, until the source ends or `finish` was called. */
export class TunnelFlow {
  readonly #source: Socket;
  readonly #sink: Socket;
  readonly #onUsed: () => void;
  readonly #frames: FrameTracker | undefined;
  /** What is to be sent behind the message that is under way. */
  #last: Buffer | undefined;
  #onLast: (() => void) | undefined;
  #onAnswered: (() => void) | undefined;
  #isFinished = false;

  /** `onUsed`: something was passed that somebody said; of a WebSocket, something of a message. */
  constructor(source: Socket, sink: Socket, isWebSocket: boolean, onUsed: () => void = () => {}) {
    this.#onUsed = onUsed;
    this.#source = source;
    this.#sink = sink;
    this.#frames = isWebSocket ? new FrameTracker() : undefined;
  }

  /** Begins with what has come already. */
  start(rest: Buffer): void {
    if (rest.length > 0) this.#take(rest);
    this.#source.on('data', (bytes: Buffer) => this.#take(bytes));
    this.#source.on('end', () => this.#sink.end());
    this.#sink.on('drain', () => this.#source.resume());
    this.#source.resume();
  }

  /** Sends these bytes behind the message that is under way and nothing after them; then calls. A side that has closed by itself gets none. */
  finish(last: Buffer, onLast: () => void): void {
    this.#last = last;
    this.#onLast = onLast;
    if (this.#frames?.hasClosed === true || this.#frames?.isBetweenMessages === true) this.#sendLast();
  }

  /** Does so at once if no frame is under way, and says whether it is done. */
  finishNow(): boolean {
    if (!this.#isFinished && this.#frames?.isBetweenFrames === true) this.#sendLast();
    return this.#isFinished;
  }

  /** Calls when the source has sent a close frame. */
  onAnswered(listener: () => void): void {
    if (this.#frames?.hasClosed === true) listener();
    else this.#onAnswered = listener;
  }

  #take(bytes: Buffer): void {
    const frames = this.#frames;
    if (this.#isFinished) this.#drop(bytes);
    else if (this.#last === undefined || frames === undefined) {
      frames?.track(bytes);
      if (frames === undefined || frames.takeSawMessage()) this.#onUsed();
      this.#pass(bytes);
    } else {
      const used = frames.trackMessage(bytes);
      this.#pass(used < 0 ? bytes : bytes.subarray(0, used));
      if (used < 0) return;
      this.#sendLast();
      this.#drop(bytes.subarray(used));
    }
  }

  #drop(bytes: Buffer): void {
    this.#frames?.track(bytes);
    if (this.#frames?.hasClosed !== true) return;
    this.#onAnswered?.();
    this.#onAnswered = undefined;
  }

  #pass(bytes: Buffer): void {
    if (!this.#sink.write(bytes)) this.#source.pause();
  }

  #sendLast(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    if (this.#frames?.hasClosed !== true && this.#last !== undefined) this.#sink.write(this.#last);
    this.#onLast?.();
  }
}
