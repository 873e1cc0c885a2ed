import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { Objection, valuesOf } from './strict/fields.ts';
import { readRequest, type StrictRequest } from './strict/request.ts';

/** Something that came to the upstream: a whole request, one that did not end, or what a strict reader objects to. */
export type Record =
  | { readonly kind: 'request'; readonly connection: number; readonly request: StrictRequest }
  | { readonly kind: 'unfinished'; readonly connection: number; readonly bytes: string }
  | { readonly kind: 'objection'; readonly connection: number; readonly objection: string; readonly bytes: string };

/** What the upstream answers to a request for `/case`: writes, and what it does behind them. */
export interface Script {
  readonly sends: readonly string[];
  readonly ending?: 'close' | 'reset' | undefined;
}

/**
 * An upstream of bytes that writes down what a strict reader of RFC 9112 takes it to be. It answers each request with its method and
 * target as the body, `/case` by the script, and `/switch` with a 101 and then what it gets.
 */
export class Recorder {
  readonly #server: Server;
  readonly #records: Record[] = [];
  readonly #open = new Set<Wire>();
  #script: Script | undefined;
  #played = Promise.resolve();
  #connections = 0;

  constructor() {
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Listens on a free port of loopback. */
  async start(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  stop(): void {
    for (const { socket } of this.#open) socket.destroy();
    this.#server.close();
  }

  /** The script for the next request for `/case`, which only one connection plays. */
  play(script: Script): void {
    this.#script = script;
  }

  /**
   * Resolves when the script was played to its end, or none is being played. What comes unasked can only be told from an answer while
   * nothing is asked, so a player waits for this before it asks again.
   */
  played(): Promise<void> {
    return this.#played;
  }

  /** Where the records are now; `since` gives what came after. */
  mark(): number {
    return this.#records.length;
  }

  /** What has come since a mark, what is under way at the end. */
  since(mark: number): Record[] {
    const unfinished = [...this.#open].flatMap((wire) => wire.unfinished());
    return [...this.#records.slice(mark), ...unfinished];
  }

  #accept(socket: Socket): void {
    this.#connections += 1;
    const wire = new Wire(this.#connections, socket, {
      note: (record) => this.#records.push(record),
      takeScript: () => {
        const script = this.#script;
        this.#script = undefined;
        return script;
      },
      playing: (playing) => {
        this.#played = playing;
      },
    });
    this.#open.add(wire);
    socket.on('close', () => {
      this.#open.delete(wire);
      this.#records.push(...wire.unfinished());
    });
  }
}

interface WireOwner {
  readonly note: (record: Record) => void;
  readonly takeScript: () => Script | undefined;
  readonly playing: (playing: Promise<void>) => void;
}

/** One connection to the recorder. */
class Wire {
  readonly number: number;
  readonly socket: Socket;
  readonly #owner: WireOwner;
  #text = '';
  #isTunnel = false;
  #hasContinued = false;

  constructor(number: number, socket: Socket, owner: WireOwner) {
    this.number = number;
    this.socket = socket;
    this.#owner = owner;
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => this.#receive(bytes.toString('latin1')));
  }

  unfinished(): Record[] {
    return this.#text === '' ? [] : [{ kind: 'unfinished', connection: this.number, bytes: this.#text }];
  }

  #receive(text: string): void {
    if (this.#isTunnel) {
      this.socket.write(text, 'latin1');
      return;
    }
    this.#text += text;
    try {
      while (this.#text !== '' && this.#takeRequest());
    } catch (error) {
      if (!(error instanceof Objection)) throw error;
      this.#owner.note({ kind: 'objection', connection: this.number, objection: error.message, bytes: this.#text });
      this.#text = '';
      this.socket.destroy();
    }
  }

  #takeRequest(): boolean {
    const request = readRequest(this.#text);
    if (request.end === undefined) {
      const isAsked = valuesOf(request.fields, 'expect').join().toLowerCase() === '100-continue';
      if (isAsked && !this.#hasContinued) this.socket.write('HTTP/1.1 100 Continue\r\n\r\n');
      this.#hasContinued = isAsked;
      return false;
    }
    this.#text = this.#text.slice(request.end);
    this.#hasContinued = false;
    this.#owner.note({ kind: 'request', connection: this.number, request });
    this.#answer(request);
    return true;
  }

  #answer(request: StrictRequest): void {
    const script = request.target === '/case' ? this.#owner.takeScript() : undefined;
    if (script !== undefined) this.#owner.playing(this.#play(script));
    else if (request.target === '/switch' && asksToSwitch(request)) this.#switch(request);
    else {
      const body = `${request.method} ${request.target}`;
      const head = `HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: ${body.length}\r\n\r\n`;
      this.socket.write(request.method === 'HEAD' ? head : head + body, 'latin1');
    }
  }

  #switch(request: StrictRequest): void {
    this.#isTunnel = true;
    const [protocol] = valuesOf(request.fields, 'upgrade');
    const [key] = valuesOf(request.fields, 'sec-websocket-key');
    const accept = key === undefined ? '' : `Sec-WebSocket-Accept: ${acceptOf(key)}\r\n`;
    this.socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n${accept}\r\n${this.#text}`,
      'latin1',
    );
    this.#text = '';
  }

  /** Each entry arrives by itself. */
  async #play({ sends, ending }: Script): Promise<void> {
    for (const [at, bytes] of sends.entries()) {
      if (at > 0) await new Promise((resolve) => setTimeout(resolve, 5));
      if (this.socket.destroyed) return;
      this.socket.write(bytes, 'latin1');
    }
    if (ending === 'close') this.socket.end();
    if (ending === 'reset') setTimeout(() => this.socket.resetAndDestroy(), 5);
  }
}

/** RFC 9110, 7.8: only what Connection names as well is asked for. */
function asksToSwitch({ fields }: StrictRequest): boolean {
  return valuesOf(fields, 'upgrade').join() !== '' && /\bupgrade\b/i.test(valuesOf(fields, 'connection').join());
}

/** RFC 6455, 4.2.2. */
function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}
