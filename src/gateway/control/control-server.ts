import { chmodSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { ControllerMessage, GatewayMessage } from '../../model/control.ts';
import type { GatewayTotals } from '../../model/gateway-counts.ts';
import type { AppId, EnvName, InstanceId } from '../../model/ids.ts';
import { CountQuestions } from './count-questions.ts';
import { CountSums } from './count-sums.ts';
import { readJsonLines, writeJsonLine } from './json-lines.ts';
import { placeSocket, removeSocket } from './socket-path.ts';

/** What the controller's side of the control socket needs. */
export interface ControlServerOptions {
  /** `DATA/run/control.sock`. Only the owner may connect. */
  readonly socketPath: string;
  /** A gateway verified a webhook: look now. */
  readonly onHint: (hook: string) => void;
  /** A request waits for an app that is asleep. Comes again for as long as one does. */
  readonly onWake?: (env: EnvName, app: AppId) => void;
  /** A gateway did not answer for `answerMs`: it counts as gone and is to be replaced. */
  readonly onHung?: (pid: number) => void;
  /** So many gateways are known to live: nothing counts as applied or idle before they said hello or `graceMs` is over. Default 1. */
  readonly expectGateways?: number;
  /** How long a gateway may take to connect after the start, and to come back after its connection broke. */
  readonly graceMs?: number;
  readonly answerMs?: number;
}

/** The controller's side of the control socket. */
export interface ControlServer {
  /** Tells all gateways that routes up to this generation are there. */
  announce(generation: number): void;
  /**
   * Resolves when every connected gateway has applied the generation, which was announced before. Gateways that went away
   * don't count. Rejects only when the signal aborts.
   */
  applied(generation: number, signal: AbortSignal): Promise<void>;
  /** Resolves when no connected gateway has anything in flight on the instance, or nothing but streams. Rejects only when the signal aborts. */
  idle(instance: InstanceId, signal: AbortSignal, options?: { readonly besidesStreams: boolean }): Promise<void>;
  /** Makes all gateways end the tunnels to an instance that is about to be stopped. */
  endTunnels(instance: InstanceId): void;
  /**
   * What the connected gateways together say of the use of an instance: requests in flight, streams, and for how many milliseconds nobody
   * has used it. With none connected it counts as used just now. Rejects only when the signal aborts.
   */
  use(instance: InstanceId, signal: AbortSignal): Promise<InstanceUse>;
  /**
   * What all gateways together have counted, of apps that are known. One that does not answer in time counts with what it said last.
   */
  totals(isKnown: (env: EnvName, app: AppId) => boolean, limitMs?: number): Promise<GatewayTotals>;
  /** The gateways that are connected, for `status` and `doctor`. */
  connected(): readonly { readonly pid: number; readonly generation: number }[];
  /** Lets go of all gateways (they serve on) and removes the socket. */
  close(): Promise<void>;
}

/** Listens for gateways. Resolves once they can connect. */
export async function startControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const control = new Control(options);
  await control.listen();
  return control;
}

/** The use of an instance by what gateways count. */
export interface InstanceUse {
  /** Requests, but for streams. */
  readonly inFlight: number;
  /** Tunnels and streams of events. */
  readonly streams: number;
  /** For how long none of the former has ended, and nothing was said on the latter. */
  readonly idleMs: number;
}

interface Link {
  readonly id: string;
  readonly pid: number;
  readonly socket: Socket;
  generation: number;
  /** When the oldest question was put that it has not answered yet. */
  askedAt: number | null;
  readonly inFlight: Map<InstanceId, Pick<InstanceUse, 'inFlight' | 'streams'>>;
  /** The last answers to `ask`, for as long as somebody waits for them. */
  readonly uses: Map<InstanceId, InstanceUse | null>;
}

interface Waiter {
  readonly isMet: () => boolean;
  readonly resolve: () => void;
}

const DEFAULTS = { onHung: () => {}, onWake: () => {}, expectGateways: 1, graceMs: 2_000, answerMs: 10_000 };
const NO_USE: InstanceUse = { inFlight: 0, streams: 0, idleMs: 0 };
const TICK_MS = 100;
const TOTALS_MS = 1_000;
const ASK_AGAIN_MS = 2_000;

class Control implements ControlServer {
  readonly #options: Required<ControlServerOptions>;
  readonly #links = new Map<string, Link>();
  /** Gateways whose connection broke, and until when they are waited for: they live, and may still follow an old route. */
  readonly #missing = new Map<string, { readonly pid: number; readonly until: number }>();
  readonly #watched = new Map<InstanceId, number>();
  /** How many wait for the use of an instance. */
  readonly #asked = new Map<InstanceId, number>();
  readonly #questions = new CountQuestions();
  readonly #sums = new CountSums(isAlive);
  readonly #waiters = new Set<Waiter>();
  readonly #server: Server;
  readonly #startedAt = performance.now();
  #announced = 0;
  #timer: NodeJS.Timeout | undefined;
  #askedAgainAt = 0;

  constructor(options: ControlServerOptions) {
    this.#options = { ...DEFAULTS, ...options };
    this.#server = createServer((socket) => this.#accept(socket));
  }

  listen(): Promise<void> {
    const path = placeSocket(this.#options.socketPath);
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(path, () => {
        chmodSync(path, 0o600);
        this.#timer = setInterval(() => this.#tick(), TICK_MS).unref();
        resolve();
      });
    });
  }

  announce(generation: number): void {
    this.#announced = Math.max(this.#announced, generation);
    for (const link of this.#links.values()) this.#announceTo(link);
  }

  applied(generation: number, signal: AbortSignal): Promise<void> {
    return this.#until(() => [...this.#links.values()].every((link) => link.generation >= generation), signal);
  }

  endTunnels(instance: InstanceId): void {
    for (const { socket } of this.#links.values()) writeJsonLine(socket, { type: 'end', instance });
  }

  async idle(instance: InstanceId, signal: AbortSignal, { besidesStreams } = { besidesStreams: false }): Promise<void> {
    const isIdle = ({ inFlight }: Link) => {
      const on = inFlight.get(instance);
      return on?.inFlight === 0 && (besidesStreams || on.streams === 0);
    };
    this.#watched.set(instance, (this.#watched.get(instance) ?? 0) + 1);
    for (const link of this.#links.values()) this.#watch(link, instance);
    try {
      await this.#until(() => [...this.#links.values()].every(isIdle), signal);
    } finally {
      this.#unwatch(instance);
    }
  }

  async use(instance: InstanceId, signal: AbortSignal): Promise<InstanceUse> {
    this.#asked.set(instance, (this.#asked.get(instance) ?? 0) + 1);
    for (const link of this.#links.values()) this.#askUse(link, instance);
    try {
      await this.#until(() => [...this.#links.values()].every((link) => link.uses.get(instance) != null), signal);
      const uses = [...this.#links.values()].map((link) => link.uses.get(instance) ?? NO_USE);
      return {
        inFlight: uses.reduce((sum, { inFlight }) => sum + inFlight, 0),
        streams: uses.reduce((sum, { streams }) => sum + streams, 0),
        idleMs: uses.length === 0 ? 0 : Math.min(...uses.map(({ idleMs }) => idleMs)),
      };
    } finally {
      this.#unask(instance);
    }
  }

  async totals(isKnown: (env: EnvName, app: AppId) => boolean, limitMs = TOTALS_MS): Promise<GatewayTotals> {
    const links = [...this.#links.values()];
    const asked = links.map((link) => ({ id: link.id, ask: (message: ControllerMessage) => this.#ask(link, message) }));
    await this.#questions.ask(asked, limitMs);
    return { ...this.#sums.totals(isKnown), generation: this.#announced };
  }

  connected(): readonly { readonly pid: number; readonly generation: number }[] {
    return [...this.#links.values()].map(({ pid, generation }) => ({ pid, generation }));
  }

  close(): Promise<void> {
    clearInterval(this.#timer);
    return new Promise((resolve) => {
      this.#server.close(() => {
        removeSocket(this.#options.socketPath);
        resolve();
      });
      for (const link of this.#links.values()) link.socket.destroy();
    });
  }

  #accept(socket: Socket): void {
    let link: Link | undefined;
    socket.on('error', () => socket.destroy());
    socket.on('close', () => link !== undefined && this.#lost(link));
    readJsonLines(socket, (line) => {
      const message = line as unknown as GatewayMessage;
      if (message.type === 'hello') link = this.#greet(socket, message);
      else if (link === undefined) socket.destroy();
      else this.#receive(link, message);
    });
  }

  #greet(socket: Socket, { id, pid, generation }: GatewayMessage & { type: 'hello' }): Link {
    const link: Link = { id, pid, socket, generation, askedAt: null, inFlight: new Map(), uses: new Map() };
    this.#links.get(id)?.socket.destroy();
    this.#questions.lost(id);
    this.#links.set(id, link);
    this.#missing.delete(id);
    this.#announceTo(link);
    for (const instance of this.#watched.keys()) this.#watch(link, instance);
    for (const instance of this.#asked.keys()) this.#askUse(link, instance);
    this.#check();
    return link;
  }

  #receive(link: Link, message: GatewayMessage): void {
    link.askedAt = null;
    if (message.type === 'hint') this.#options.onHint(message.hook);
    if (message.type === 'applied') link.generation = Math.max(link.generation, message.generation);
    if (message.type === 'use') {
      for (const instance of Object.keys(message.inFlight) as InstanceId[])
        this.#noteUse(link, instance, useOf(message, instance));
    }
    if (message.type === 'counts') {
      this.#sums.take(link, message.apps, message.process);
      this.#questions.take(link.id, message);
    }
    if (message.type === 'wake') this.#options.onWake(message.env, message.app);
    this.#check();
  }

  #lost(link: Link): void {
    if (this.#links.get(link.id) !== link) return;
    this.#links.delete(link.id);
    this.#questions.lost(link.id);
    this.#missing.set(link.id, { pid: link.pid, until: performance.now() + this.#options.graceMs });
    this.#check();
  }

  #announceTo(link: Link): void {
    if (link.generation < this.#announced) this.#ask(link, { type: 'routes', generation: this.#announced });
  }

  #watch(link: Link, instance: InstanceId): void {
    link.inFlight.delete(instance);
    this.#ask(link, { type: 'watch', instance });
  }

  #unwatch(instance: InstanceId): void {
    const others = (this.#watched.get(instance) ?? 1) - 1;
    if (others > 0) this.#watched.set(instance, others);
    else this.#watched.delete(instance);
  }

  #askUse(link: Link, instance: InstanceId): void {
    link.uses.set(instance, null);
    this.#ask(link, { type: 'ask', instance });
  }

  #unask(instance: InstanceId): void {
    const others = (this.#asked.get(instance) ?? 1) - 1;
    if (others > 0) this.#asked.set(instance, others);
    else {
      this.#asked.delete(instance);
      for (const link of this.#links.values()) link.uses.delete(instance);
    }
  }

  #noteUse(link: Link, instance: InstanceId, use: InstanceUse): void {
    link.inFlight.set(instance, use);
    if (link.uses.has(instance)) link.uses.set(instance, use);
  }

  #ask(link: Link, message: ControllerMessage): void {
    link.askedAt ??= performance.now();
    writeJsonLine(link.socket, message);
  }

  #until(condition: () => boolean, signal: AbortSignal): Promise<void> {
    const isMet = () => this.#isComplete() && condition();
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const abort = () => {
        this.#waiters.delete(waiter);
        reject(signal.reason);
      };
      const waiter: Waiter = {
        isMet,
        resolve: () => {
          this.#waiters.delete(waiter);
          signal.removeEventListener('abort', abort);
          resolve();
        },
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#waiters.add(waiter);
      this.#check();
    });
  }

  /** Whether all gateways that may follow an old route are connected, as far as can be known. */
  #isComplete(): boolean {
    const now = performance.now();
    for (const [id, { pid, until }] of this.#missing) if (until <= now || !isAlive(pid)) this.#missing.delete(id);
    if (this.#missing.size > 0) return false;
    return this.#links.size >= this.#options.expectGateways || now - this.#startedAt >= this.#options.graceMs;
  }

  #check(): void {
    for (const waiter of [...this.#waiters]) if (waiter.isMet()) waiter.resolve();
  }

  #tick(): void {
    const now = performance.now();
    for (const link of [...this.#links.values()]) {
      if (link.askedAt !== null && now - link.askedAt > this.#options.answerMs) this.#giveUp(link);
    }
    if (now - this.#askedAgainAt > ASK_AGAIN_MS) this.#askAgain(now);
    this.#check();
  }

  /** A message that got lost, or a gateway that hangs, shows here. */
  #askAgain(now: number): void {
    this.#askedAgainAt = now;
    for (const link of this.#links.values()) {
      this.#announceTo(link);
      for (const instance of this.#watched.keys()) this.#ask(link, { type: 'watch', instance });
      for (const instance of this.#asked.keys()) if (link.uses.get(instance) === null) this.#askUse(link, instance);
    }
  }

  #giveUp(link: Link): void {
    this.#links.delete(link.id);
    this.#questions.lost(link.id);
    link.socket.destroy();
    this.#options.onHung(link.pid);
  }
}

/** What a gateway says of one instance. Where it does not know its streams, all that is in flight is use. */
function useOf(message: GatewayMessage & { type: 'use' }, instance: InstanceId): InstanceUse {
  const streams = message.streams?.[instance] ?? 0;
  return { inFlight: (message.inFlight[instance] ?? 0) - streams, streams, idleMs: message.idleMs[instance] ?? 0 };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
