import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A whole answer. */
export interface HttpReply {
  readonly status: number;
  /** Names in lower case; of several of one name the last. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
  /** Whether another request may follow on the connection. */
  readonly keepsAlive: boolean;
}

/** Why something got no complete answer. */
export class BrokenExchange extends Error {}

const PATIENCE_MS = 60_000;

/** One connection, one request at a time. What it takes for an answer is whole: its length or its last chunk has come. */
export class HttpConnection {
  readonly socket: Socket;
  readonly localPort: number;
  /** Milliseconds since the epoch. */
  readonly openedAt: number;
  #bytes: Buffer[] = [];
  #size = 0;
  #isOver = false;
  #why = 'the connection was closed';
  #wake: (() => void) | undefined;

  private constructor(socket: Socket, openedAt: number) {
    this.socket = socket;
    this.openedAt = openedAt;
    this.localPort = socket.localPort ?? 0;
    socket.on('data', (data: Buffer) => {
      this.#bytes.push(data);
      this.#size += data.length;
      this.#wake?.();
    });
    const over = (why?: string) => {
      if (!this.#isOver && why !== undefined) this.#why = why;
      this.#isOver = true;
      this.#wake?.();
    };
    socket.on('error', (error: NodeJS.ErrnoException) => over(error.code ?? String(error)));
    socket.on('end', () => over());
    socket.on('close', () => over());
  }

  /** Rejects with a `BrokenExchange` when nobody accepts. */
  static async open(port: number): Promise<HttpConnection> {
    const openedAt = Date.now();
    const socket = connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    await once(socket, 'connect').catch((error: NodeJS.ErrnoException) => {
      throw new BrokenExchange(`connect: ${error.code}`);
    });
    return new HttpConnection(socket, openedAt);
  }

  /** Whether the other side has closed it, as far as has been heard. */
  get isClosed(): boolean {
    return this.#isOver;
  }

  write(bytes: string | Buffer): void {
    this.socket.write(bytes);
  }

  close(): void {
    this.socket.destroy();
  }

  /** Reads the answer to what was written. Rejects with a `BrokenExchange` when it does not come, or not whole. */
  async reply(): Promise<HttpReply> {
    const head = await this.head();
    return { ...head, body: await this.#body(head.headers) };
  }

  /** Reads the head of an answer only. */
  async head(): Promise<Omit<HttpReply, 'body'>> {
    const head = await this.#until('\r\n\r\n');
    const [, status = '0', rest = ''] = /^HTTP\/1\.1 (\d{3})[^\r]*\r\n([\s\S]*)$/.exec(head) ?? [];
    if (status === '0') throw new BrokenExchange(`no head of an answer: ${JSON.stringify(head.slice(0, 100))}`);
    const headers = new Map(
      rest.split('\r\n').flatMap((line) => {
        const colon = line.indexOf(':');
        return colon < 1 ? [] : [[line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const];
      }),
    );
    const keepsAlive = headers.get('connection')?.toLowerCase() !== 'close';
    return { status: Number(status), headers, keepsAlive };
  }

  /** Reads the next chunk of a body that has no end in sight; undefined once the last chunk has come. */
  async nextChunk(): Promise<Buffer | undefined> {
    const size = Number.parseInt(await this.#until('\r\n'), 16);
    if (!Number.isInteger(size)) throw new BrokenExchange('no size of a chunk');
    const chunk = await this.#exactly(size);
    if ((await this.#exactly(2)).toString() !== '\r\n') throw new BrokenExchange('no end of a chunk');
    return size === 0 ? undefined : chunk;
  }

  async #body(headers: ReadonlyMap<string, string>): Promise<Buffer> {
    const length = headers.get('content-length');
    if (length !== undefined) return this.#exactly(Number(length));
    if (headers.get('transfer-encoding') !== 'chunked') throw new BrokenExchange('neither length nor chunks');
    const parts: Buffer[] = [];
    for (let chunk = await this.nextChunk(); chunk !== undefined; chunk = await this.nextChunk()) parts.push(chunk);
    return Buffer.concat(parts);
  }

  async #until(end: string): Promise<string> {
    for (;;) {
      const all = this.#joined();
      const at = all.indexOf(end);
      if (at >= 0) return this.#take(at + end.length).toString('latin1');
      await this.#more();
    }
  }

  async #exactly(size: number): Promise<Buffer> {
    while (this.#size < size) await this.#more();
    return this.#take(size);
  }

  #joined(): Buffer {
    const all = Buffer.concat(this.#bytes);
    this.#bytes = [all];
    return all;
  }

  #take(size: number): Buffer {
    const all = this.#joined();
    this.#bytes = [all.subarray(size)];
    this.#size -= size;
    return all.subarray(0, size);
  }

  /** Waits until more has come. */
  async #more(): Promise<void> {
    const before = this.#size;
    const timer = setTimeout(() => {
      this.#why = `nothing came for ${PATIENCE_MS / 1_000} s`;
      this.socket.destroy();
    }, PATIENCE_MS);
    while (this.#size === before && !this.#isOver)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    clearTimeout(timer);
    if (this.#size === before) throw new BrokenExchange(`${this.#why} after ${before} unread bytes`);
  }
}
