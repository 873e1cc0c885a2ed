import { connect, type Socket } from 'node:net';
import { jsonLines } from '../model/json-lines.ts';
import type { GatewayReply, SpawnCommand, SupervisorMessage } from '../model/processes.ts';

type Hello = GatewayReply & { readonly type: 'hello' };

const PING_MS = 2_000;
const HELLO_MS = 5_000;

/** What the owner of a link hears. */
export interface LinkEvents {
  /** It holds a route table. Comes once. */
  onReady(): void;
  /** It did not answer in time. */
  onHung(): void;
  /** The connection is gone, and with it the process. Comes once, last. */
  onClose(): void;
}

/** A connection to a gateway's own socket: the proof that it lives, and the way to talk to it. */
export class GatewayLink {
  readonly hello: Hello;
  readonly #socket: Socket;
  readonly #hungAfterMs: number;
  #events: LinkEvents | undefined;
  #spawned: PromiseWithResolvers<number> | undefined;
  #isReady: boolean;
  #heardAt = performance.now();
  readonly #timer: NodeJS.Timeout;

  private constructor(hello: Hello, socket: Socket, hungAfterMs: number) {
    this.hello = hello;
    this.#socket = socket;
    this.#hungAfterMs = hungAfterMs;
    this.#isReady = hello.isReady;
    this.#timer = setInterval(() => this.#ping(), PING_MS).unref();
  }

  /** Connects to a gateway: `dead` when nobody listens there, `silent` when somebody does but says no hello. */
  static open(path: string, hungAfterMs: number): Promise<GatewayLink | 'dead' | 'silent'> {
    return new Promise((resolve) => {
      const socket = connect(path);
      let link: GatewayLink | undefined;
      let isSilent = false;
      const timer = setTimeout(() => {
        isSilent = true;
        socket.destroy();
      }, HELLO_MS);
      socket.setEncoding('utf8');
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        clearTimeout(timer);
        if (link === undefined) resolve(isSilent ? 'silent' : 'dead');
        else link.#closed();
      });
      const receive = (reply: GatewayReply) => {
        if (link !== undefined) link.#receive(reply);
        else if (reply.type === 'hello') {
          clearTimeout(timer);
          link = new GatewayLink(reply, socket, hungAfterMs);
          resolve(link);
        }
      };
      socket.on(
        'data',
        jsonLines(
          (line) => receive(line as unknown as GatewayReply),
          () => socket.destroy(),
        ),
      );
    });
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** Whom to tell. What happened before is told at once. */
  listen(events: LinkEvents): void {
    this.#events = events;
    if (this.#socket.destroyed) events.onClose();
    else if (this.#isReady) events.onReady();
  }

  /** Makes the gateway stop accepting, drain and end. */
  stop(): void {
    this.#send({ type: 'stop' });
  }

  /** Makes the gateway start a process with its own descriptors; gives its pid. One at a time. */
  spawn({ command, args, env }: SpawnCommand): Promise<number> {
    this.#spawned = Promise.withResolvers<number>();
    this.#send({ type: 'spawn', command: { command, args, env } });
    return this.#spawned.promise;
  }

  /** Lets go of the gateway, which serves on. */
  close(): void {
    this.#events = undefined;
    this.#socket.destroy();
  }

  #receive(reply: GatewayReply): void {
    this.#heardAt = performance.now();
    if (reply.type === 'ready' && !this.#isReady) {
      this.#isReady = true;
      this.#events?.onReady();
    }
    if (reply.type === 'spawned') this.#spawned?.resolve(reply.pid);
    if (reply.type === 'spawn-failed') this.#spawned?.reject(new Error(reply.message));
  }

  #closed(): void {
    clearInterval(this.#timer);
    this.#spawned?.reject(new Error('the gateway ended'));
    this.#events?.onClose();
  }

  #ping(): void {
    if (performance.now() - this.#heardAt > this.#hungAfterMs) this.#events?.onHung();
    this.#send({ type: 'ping' });
  }

  #send(message: SupervisorMessage): void {
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify(message)}\n`);
  }
}
