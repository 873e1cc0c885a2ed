import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { FAILPOINTS_VARIABLE } from '../../../src/roles/environment.ts';
import { Daemon } from './daemon.ts';
import { eventually } from './eventually.ts';
import type { Installation } from './installation.ts';
import { type FoundProcess, killHard, signal } from './process-scan.ts';

/** What is killed. */
export type Victim = 'controller' | 'supervisor' | 'gateway' | 'instance';

/** Kills processes of an installation at the boundaries that it comes by, and starts the daemon again when it was its supervisor. */
export class Director {
  readonly #installation: Installation;
  readonly #folder: string;
  readonly #victimAt: (boundary: string) => Victim | null;
  readonly #random: () => number;
  /** What was killed where, in order: `build:after-effect controller`. */
  readonly done: string[] = [];
  /** Boundaries that were come by with nobody to kill, in order. */
  readonly missed: string[] = [];
  /** How often each kind was killed. */
  readonly kills: Record<Victim, number> = { controller: 0, supervisor: 0, gateway: 0, instance: 0 };
  /** Why it watches no longer. */
  failure: unknown = null;
  #isOver = false;
  #isBusy = false;
  #loop: Promise<void> = Promise.resolve();

  /** Where `victimAt` gives null all go on as if nothing had been. */
  constructor(
    installation: Installation,
    how: { victimAt: (boundary: string) => Victim | null; random: () => number },
  ) {
    this.#installation = installation;
    this.#folder = join(installation.root, 'failpoints');
    this.#victimAt = how.victimAt;
    this.#random = how.random;
    mkdirSync(this.#folder);
  }

  /** What the daemon has to be started with. */
  get environment(): Record<string, string> {
    return { [FAILPOINTS_VARIABLE]: this.#folder };
  }

  /** Makes the next coming by each of these boundaries fatal to somebody. */
  arm(boundaries: readonly string[]): void {
    for (const name of boundaries) writeFileSync(join(this.#folder, name), '');
  }

  /** Takes back what nobody came by so far; says what it was. */
  disarm(): string[] {
    const { armed } = this;
    for (const name of armed) rmSync(join(this.#folder, name), { force: true });
    return armed;
  }

  /** The boundaries that nobody came by so far. */
  get armed(): string[] {
    return readdirSync(this.#folder).filter((name) => !name.endsWith('.reached'));
  }

  /** Whether a kill is under way. */
  get isBusy(): boolean {
    return this.#isBusy || readdirSync(this.#folder).some((name) => name.endsWith('.reached'));
  }

  /** Begins to watch for boundaries that are reached. */
  start(): void {
    this.#loop = this.#watch().catch((error: unknown) => {
      this.failure = error;
    });
  }

  /** Ends watching. Throws what went wrong meanwhile. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#loop;
    if (this.failure !== null) throw this.failure;
  }

  /** Kills one of a kind now; false if there is none that could be killed. */
  async kill(victim: Victim, controller = this.#controllers().at(-1)?.pid): Promise<boolean> {
    const pid = await this.#pick(victim, controller);
    if (pid === undefined) return false;
    await killHard(pid);
    this.kills[victim] += 1;
    if (victim === 'supervisor')
      this.#installation.daemon = Daemon.start(this.#installation, { env: this.environment });
    return true;
  }

  async #watch(): Promise<void> {
    while (!this.#isOver) {
      const [reached] = readdirSync(this.#folder).filter((name) => name.endsWith('.reached'));
      if (reached === undefined) {
        await delay(5);
        continue;
      }
      this.#isBusy = true;
      await this.#strike(reached.slice(0, -'.reached'.length));
      this.#isBusy = false;
    }
  }

  /** The controller has stopped itself at a boundary: now is the moment. */
  async #strike(boundary: string): Promise<void> {
    const stopped = await eventually(() => this.#controllers().find(({ state }) => state === 'T'), {
      within: 10_000,
      every: 1,
      what: `a controller stopped at ${boundary}`,
    });
    // Before anybody can come by it again.
    rmSync(join(this.#folder, `${boundary}.reached`));
    const victim = this.#victimAt(boundary);
    // For a moment there may be two: an orphan that does not know it yet, and the one that waits for its lock.
    if (victim === null || (await this.kill(victim, stopped.pid))) this.done.push(`${boundary} ${victim ?? 'nobody'}`);
    // Nobody to kill: the next coming by has to do.
    else {
      this.missed.push(boundary);
      this.arm([boundary]);
    }
    if (victim !== 'controller') signal(stopped.pid, 'SIGCONT');
  }

  #controllers(): FoundProcess[] {
    return this.#installation.processes().filter(({ args }) => args.includes('__controller'));
  }

  async #pick(victim: Victim, controller: number | undefined): Promise<number | undefined> {
    if (victim === 'supervisor') return this.#installation.daemon?.pid;
    if (victim === 'controller') return controller;
    if (victim === 'gateway') return this.#pickGateway();
    const instances = this.#installation
      .processes()
      .filter(({ environment }) => environment.has('MAINSPRING_INSTANCE'));
    // The moment is most likely about the one that was started last.
    return this.#random() < 0.5 ? instances.at(-1)?.pid : this.#anyOf(instances)?.pid;
  }

  /** One of several: with the last gateway gone nobody is there to answer, which is no fault. */
  async #pickGateway(): Promise<number | undefined> {
    const serving = () => {
      const runFile = (pid: number) => join(this.#installation.data, 'run', 'gateways', `${pid}.json`);
      const found = this.#installation.processes().filter(({ args }) => args.includes('__gateway'));
      const ready = found.filter(({ pid }) => existsSync(runFile(pid)));
      return ready.length >= 2 ? ready : undefined;
    };
    const ready = await eventually(serving, { within: 20_000, every: 10, what: 'two gateways' });
    return this.#anyOf(ready)?.pid;
  }

  #anyOf<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.#random() * items.length)];
  }
}

/** Numbers from 0 to 1 that a seed decides. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
