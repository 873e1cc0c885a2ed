import { connect, type Socket } from 'node:net';
import type { ControllerMessage, GatewayMessage } from '../../model/control.ts';
import type { InstanceId } from '../../model/ids.ts';
import { readJsonLines, writeJsonLine } from './json-lines.ts';
import { findSocket } from './socket-path.ts';

/** What the gateway's side of the control socket needs. */
export interface ControlClientOptions {
  readonly socketPath: string;
  readonly id: string;
  readonly pid: number;
  /** The generation that is applied, asked for at each hello. */
  readonly generation: () => number;
  readonly onRoutes: (generation: number) => void;
  readonly onWatch: (instance: InstanceId) => void;
  readonly onAsk: (instance: InstanceId) => void;
  readonly onCount: (question: number, options: { readonly all: boolean }) => void;
  readonly onEnd: (instance: InstanceId) => void;
}

const FIRST_DELAY_MS = 20;
const LAST_DELAY_MS = 500;

/** Keeps a connection to the controller, for as long as the gateway lives; without one the gateway serves what it knows. */
export class ControlClient {
  readonly #options: ControlClientOptions;
  #socket: Socket | undefined;
  #delayMs = FIRST_DELAY_MS;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: ControlClientOptions) {
    this.#options = options;
  }

  /** Begins to connect, again and again with a back-off. */
  start(): void {
    const socket = connect(findSocket(this.#options.socketPath));
    this.#socket = socket;
    socket.on('connect', () => {
      this.#delayMs = FIRST_DELAY_MS;
      const { id, pid } = this.#options;
      this.send({ type: 'hello', id, pid, generation: this.#options.generation() });
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#startAgain());
    readJsonLines(socket, (message) => this.#receive(message as unknown as ControllerMessage));
  }

  /** Tells the controller, if it is there. */
  send(message: GatewayMessage): void {
    if (this.#socket !== undefined) writeJsonLine(this.#socket, message);
  }

  /** Whether there is a controller to talk to. */
  get isConnected(): boolean {
    return this.#socket?.readyState === 'open';
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    // What was said last may still be on its way.
    this.#socket?.destroySoon();
  }

  #receive(message: ControllerMessage): void {
    if (message.type === 'routes') this.#options.onRoutes(message.generation);
    if (message.type === 'watch') this.#options.onWatch(message.instance);
    if (message.type === 'count') this.#options.onCount(message.question, message);
    if (message.type === 'ask') this.#options.onAsk(message.instance);
    if (message.type === 'end') this.#options.onEnd(message.instance);
  }

  #startAgain(): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => this.start(), this.#delayMs);
    this.#delayMs = Math.min(LAST_DELAY_MS, this.#delayMs * 2);
  }
}
