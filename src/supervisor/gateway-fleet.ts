import { spawn } from 'node:child_process';
import { type GatewayCommand, LISTEN_FDS_VARIABLE } from '../model/processes.ts';
import type { ListenAddress } from '../model/settings.ts';
import { makeBackOff } from './back-off.ts';
import { addressTaken, type Bound, bindAll, formatAddresses } from './bind.ts';
import { GatewayLink } from './gateway-link.ts';
import { findGatewayFile, isAlive, readGatewayFiles, removeGatewayFiles, sweepGatewayFiles } from './run-files.ts';
import type { SupervisorLog } from './supervisor-log.ts';

/** What a fleet of gateways is to be. */
export interface FleetGoal {
  readonly processes: number;
  readonly command: GatewayCommand;
}

/** What keeping gateways running needs. */
export interface FleetOptions {
  readonly runDir: string;
  readonly listen: readonly ListenAddress[];
  /** Sockets of a service manager, if there are any. */
  readonly inherited: readonly Bound[] | undefined;
  readonly goal: () => FleetGoal;
  readonly log: SupervisorLog;
  /** As many gateways as wanted hold a table. Comes whenever that becomes so. */
  readonly onReady: (listen: readonly ListenAddress[]) => void;
  /** A gateway that is silent for so long is killed. */
  readonly hungAfterMs: number;
}

interface Member {
  readonly link: GatewayLink;
  readonly pid: number;
  isReady: boolean;
  isStopping: boolean;
}

const START_LIMIT_MS = 20_000;
const POLL_MS = 20;
const TICK_MS = 2_000;

/**
 * Keeps as many gateways as wanted on one set of bound descriptors. The supervisor's own descriptors are only inherited, never
 * listened on. When the supervisor was killed, its gateways serve on; the next one takes them over: it cannot bind what they
 * listen on, so it makes a living one start successors, and replaces all that run another program.
 */
export class GatewayFleet {
  readonly #options: FleetOptions;
  readonly #members = new Map<number, Member>();
  readonly #backOff = makeBackOff();
  #bound: readonly Bound[] | undefined;
  #isStopping = false;
  #tookOver = false;
  #wasComplete = false;
  #work: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #ticker: NodeJS.Timeout | undefined;
  #isAdjustDue = false;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#bound = options.inherited;
  }

  /** The gateways that live, for the log and for tests. */
  get pids(): readonly number[] {
    return [...this.#members.keys()];
  }

  /** Takes over living gateways or binds the addresses, then starts what is missing. Throws `listen-failed`. */
  async start(): Promise<void> {
    await this.#adopt();
    const foreign = [...this.#members.values()].filter(({ link }) => !this.#listensRight(link.hello.listen));
    if (foreign.length > 0)
      this.#options.log('warn', 'the addresses to listen on have changed: gateways on the old ones end');
    for (const member of foreign) this.#stopMember(member);
    this.#tookOver = this.#members.size > foreign.length;
    if (this.#bound === undefined && this.#members.size === foreign.length) await this.#bind();
    this.#ticker = setInterval(() => this.adjust(), TICK_MS);
    this.adjust();
  }

  /** Makes the fleet what the goal says: missing ones are started, ones with another program replaced one by one, the rest stopped. */
  adjust(): void {
    if (this.#isAdjustDue) return;
    this.#isAdjustDue = true;
    this.#work = this.#work
      .then(() => {
        this.#isAdjustDue = false;
        return this.#adjustOnce();
      })
      .catch((error: unknown) => this.#startFailed(error));
  }

  /** Whether gateways of an earlier supervisor were serving when this one began. */
  get tookOver(): boolean {
    return this.#tookOver;
  }

  /** Leaves all gateways as they are, serving, for the next supervisor. */
  async letGo(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    clearInterval(this.#ticker);
    await this.#work;
    for (const { link } of this.#members.values()) link.close();
    this.#members.clear();
    for (const bound of this.#bound ?? []) bound.close();
  }

  /** Drains and ends all gateways, then lets go of the addresses. Those that take longer than the limit are killed. */
  async stop(limitMs: number): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    clearInterval(this.#ticker);
    await this.#work;
    const pids = this.pids;
    for (const member of this.#members.values()) this.#stopMember(member);
    const timer = setTimeout(() => pids.forEach(kill), limitMs);
    // A gateway lets go of its link when it has drained, and ends a moment later.
    while (this.#members.size > 0 || pids.some(isAlive)) await pause();
    clearTimeout(timer);
    for (const bound of this.#bound ?? []) bound.close();
  }

  /** Ends all gateways at once. */
  killAll(): void {
    for (const { pid } of this.#members.values()) kill(pid);
  }

  /** Takes over gateways that nobody here knows: left serving, or started for a supervisor that was killed just then. */
  async #adopt(): Promise<void> {
    const { runDir, hungAfterMs, log } = this.#options;
    for (const file of readGatewayFiles(runDir)) {
      if (this.#members.has(file.pid)) continue;
      const link = await GatewayLink.open(file.socket, hungAfterMs);
      if (link instanceof GatewayLink) {
        log('info', 'a gateway that was left serving is taken over', { pid: file.pid, program: link.hello.program });
        this.#add(link);
      } else {
        // Somebody listens on its socket, so the pid still is its own.
        if (link === 'silent') kill(file.pid);
        removeGatewayFiles(runDir, file.pid);
      }
    }
    sweepGatewayFiles(runDir);
  }

  #listensRight(actual: readonly ListenAddress[]): boolean {
    const wanted = this.#bound?.map(({ address }) => address) ?? this.#options.listen;
    const isMatch = (one: ListenAddress, other: ListenAddress | undefined) =>
      other !== undefined && one.host === other.host && (one.port === 0 || one.port === other.port);
    return wanted.length === actual.length && wanted.every((address, at) => isMatch(address, actual[at]));
  }

  /** Gateways that end give their addresses free a moment after they were told to. */
  async #bind(): Promise<void> {
    const { listen } = this.#options;
    const deadline = performance.now() + 2_000;
    do {
      this.#bound = bindAll(listen);
      if (this.#bound !== undefined) return;
      await pause();
      // A gateway may have come up just now that holds the addresses.
      await this.#adopt();
      if ([...this.#members.values()].some((member) => !member.isStopping)) return;
    } while (performance.now() < deadline);
    throw addressTaken(listen);
  }

  async #adjustOnce(): Promise<void> {
    if (this.#isStopping) return;
    await this.#adopt();
    const { processes, command } = this.#options.goal();
    const serving = [...this.#members.values()].filter((member) => !member.isStopping);
    const fitting = serving.filter(({ link }) => link.hello.program === command.program);
    const old = serving.filter((member) => !fitting.includes(member));
    if (fitting.every(({ isReady }) => isReady)) {
      // One goes for each that has come, so there are never fewer than wanted and hardly ever more.
      const spare = [...old, ...fitting.slice(processes)].slice(0, Math.max(0, serving.length - processes));
      for (const member of spare) this.#stopMember(member);
      if (fitting.length >= processes) this.#complete(fitting);
    }
    if (fitting.length < processes) {
      await this.#startOne(command);
      this.adjust();
    }
  }

  #complete(fitting: readonly Member[]): void {
    const [first] = fitting;
    if (first !== undefined && !this.#wasComplete) this.#options.onReady(first.link.hello.listen);
    this.#wasComplete = true;
  }

  async #startOne(command: GatewayCommand): Promise<void> {
    this.#backOff.started(performance.now());
    const pid = await this.#spawn(command);
    const deadline = performance.now() + START_LIMIT_MS;
    while (!this.#isStopping) {
      const file = findGatewayFile(this.#options.runDir, pid);
      const link = file === undefined ? 'dead' : await GatewayLink.open(file.socket, this.#options.hungAfterMs);
      if (link instanceof GatewayLink) {
        this.#add(link);
        return;
      }
      if (!isAlive(pid)) throw new Error(`gateway ${pid} ended as soon as it was started`);
      if (performance.now() > deadline) {
        kill(pid);
        throw new Error(`gateway ${pid} did not come up in time`);
      }
      await pause();
    }
    kill(pid);
  }

  /** With descriptors of our own the gateway is a child; else a living gateway starts it with its. */
  async #spawn(command: GatewayCommand): Promise<number> {
    const parent = [...this.#members.values()].find((member) => !member.isStopping) ?? [...this.#members.values()][0];
    if (this.#bound === undefined && parent !== undefined) return parent.link.spawn(command);
    if (this.#bound === undefined) await this.#bind();
    const descriptors = (this.#bound ?? []).map(({ fd }) => fd);
    const child = spawn(command.command, command.args, {
      env: { ...command.env, [LISTEN_FDS_VARIABLE]: String(descriptors.length) },
      stdio: ['ignore', 'inherit', 'inherit', ...descriptors],
      // A session of its own: neither a terminal that closes nor the end of the supervisor reaches it.
      detached: true,
    });
    // It is meant to outlive a supervisor that hands over, and tells by its own socket when it ends.
    child.unref();
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('spawn', () => resolve(child.pid ?? 0));
    });
  }

  #add(link: GatewayLink): void {
    const { pid } = link.hello;
    const member: Member = { link, pid, isReady: false, isStopping: false };
    this.#members.set(pid, member);
    link.listen({
      onReady: () => {
        member.isReady = true;
        this.adjust();
      },
      onHung: () => {
        this.#options.log('error', 'a gateway does not answer and is killed', { pid });
        kill(pid);
      },
      onClose: () => this.#lost(member),
    });
  }

  #lost(member: Member): void {
    const { pid } = member;
    this.#members.delete(pid);
    removeGatewayFiles(this.#options.runDir, pid);
    if (member.isStopping || this.#isStopping) return;
    this.#wasComplete = false;
    this.#again('a gateway ended', { pid });
  }

  #startFailed(error: unknown): void {
    if (!this.#isStopping) this.#again('a gateway could not be started', { error: String(error) });
  }

  #again(what: string, fields: Readonly<Record<string, unknown>>): void {
    const delayMs = this.#backOff.ended(performance.now());
    const message = this.#backOff.isCrashLoop() ? `${what}, as others before it` : what;
    this.#options.log('error', message, { ...fields, restartInMs: delayMs, serving: this.#members.size });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.adjust(), delayMs);
  }

  #stopMember(member: Member): void {
    if (member.isStopping) return;
    member.isStopping = true;
    this.#options.log('info', 'a gateway drains', {
      pid: member.pid,
      listen: formatAddresses(member.link.hello.listen),
    });
    member.link.stop();
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, POLL_MS));
}
