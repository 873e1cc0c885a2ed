import { connect, type Socket } from 'node:net';
import { Objection } from './strict/fields.ts';
import { readResponse, type StrictResponse } from './strict/response.ts';

/** How long a client waits for what may never come, in milliseconds. */
export interface Patience {
  /** For an answer, or for the end of a connection. */
  readonly answerMs: number;
  /** For more when what was expected has come. */
  readonly quietMs: number;
}

/** A client of bytes, which reads answers strictly. */
export class RawClient {
  readonly answers: StrictResponse[] = [];
  /** What a strict reader objects to in what came back. */
  objection: string | undefined;
  isOver = false;
  /** Bytes behind a 101. */
  tunnelled = '';
  readonly #socket: Socket;
  readonly #methods: string[];
  #text = '';
  #changed = () => {};

  /** `methods`: of the requests that are sent, in order; GET for those that are not named. */
  constructor(port: number, methods: readonly string[] = []) {
    this.#methods = [...methods];
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    this.#socket.on('data', (bytes) => this.#receive(bytes.toString('latin1')));
    this.#socket.on('error', () => {});
    this.#socket.on('end', () => this.#over());
    this.#socket.on('close', () => this.#over());
  }

  /** What has come behind the last whole answer. */
  get rest(): string {
    return this.#text;
  }

  get isTunnel(): boolean {
    return this.answers.at(-1)?.status === 101;
  }

  /** Each entry arrives by itself. */
  async send(writes: readonly string[], { ends = false } = {}): Promise<void> {
    for (const [at, bytes] of writes.entries()) {
      if (at > 0) await new Promise((resolve) => setTimeout(resolve, 4));
      if (!this.#socket.writable) return;
      this.#socket.write(bytes, 'latin1');
    }
    if (ends) this.#socket.end();
  }

  /** Waits until the condition holds, or so long. Says whether it does. */
  async until(condition: () => boolean, ms: number): Promise<boolean> {
    if (condition()) return true;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#changed = () => {
        if (!condition()) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.#changed = () => {};
    return condition();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #receive(text: string): void {
    if (this.isTunnel) this.tunnelled += text;
    else {
      this.#text += text;
      this.#read();
    }
    this.#changed();
  }

  #over(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#read();
    if (this.#text !== '' && this.objection === undefined)
      this.objection = `bytes behind the last answer: ${this.#text.slice(0, 60)}`;
    this.#socket.end();
    this.#changed();
  }

  #read(): void {
    try {
      while (this.#text !== '' && this.objection === undefined && !this.isTunnel) {
        const answer = readResponse(this.#text, this.#methods[this.answers.length] ?? 'GET', this.isOver);
        if (answer === undefined) return;
        this.#text = this.#text.slice(answer.end);
        this.answers.push(answer);
      }
      if (!this.isTunnel) return;
      this.tunnelled += this.#text;
      this.#text = '';
    } catch (error) {
      if (!(error instanceof Objection)) throw error;
      this.objection = error.message;
    }
  }
}
