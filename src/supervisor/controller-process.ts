import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { type SpawnCommand, SUPERVISOR_FD_VARIABLE } from '../model/processes.ts';
import { makeBackOff } from './back-off.ts';
import type { SupervisorLog } from './supervisor-log.ts';

/** What keeping the controller running needs. */
export interface ControllerOptions {
  readonly command: () => SpawnCommand;
  /** Exit codes after which a restart would change nothing until a person does. */
  readonly fatalExitCodes: readonly number[];
  /** The exit code of a controller that asks to be started again, as it does on SIGHUP. */
  readonly restartExitCode: number | undefined;
  readonly log: SupervisorLog;
  readonly onReady: () => void;
  /** It ended with a fatal code. It is started again by `reload` only. */
  readonly onFatal: (code: number) => void;
}

/** The controller as a child: started again with a back-off whenever it ends. Gateways serve on meanwhile. */
export class ControllerProcess {
  readonly #options: ControllerOptions;
  readonly #backOff = makeBackOff();
  #child: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopping = false;
  #isReady = false;

  constructor(options: ControllerOptions) {
    this.#options = options;
  }

  /** Whether it came up at least once. */
  get wasReady(): boolean {
    return this.#isReady;
  }

  start(): void {
    const { command, args, env } = this.#options.command();
    this.#backOff.started(performance.now());
    const child = spawn(command, args, {
      env: { ...env, [SUPERVISOR_FD_VARIABLE]: '3' },
      stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
      // A process group of its own: what a terminal sends is for the supervisor, which decides the order of things.
      detached: true,
    });
    this.#child = child;
    (child.stdio[3] as Readable | null | undefined)?.on('error', () => {}).once('data', () => this.#cameUp());
    child.once('error', (error) => this.#ended({ error: String(error) }));
    child.once('exit', (code, signal) => this.#ended(code === null ? { signal } : { code }));
  }

  /** Makes it read its settings again. */
  reload(): void {
    if (this.#child === undefined) this.#startNow();
    else this.#child.kill('SIGHUP');
  }

  /** Asks it to end and waits; after the limit it is killed. */
  stop(limitMs: number): Promise<void> {
    return this.#endBy('SIGTERM', limitMs);
  }

  /** The same, but apps go on whatever the settings say: another controller is to follow. */
  leave(limitMs: number): Promise<void> {
    return this.#endBy('SIGHUP', limitMs);
  }

  async #endBy(signal: 'SIGTERM' | 'SIGHUP', limitMs: number): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (child === undefined) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
    await ended;
    clearTimeout(timer);
  }

  #cameUp(): void {
    this.#isReady = true;
    this.#options.onReady();
  }

  #ended(how: { readonly code?: number; readonly signal?: string | null; readonly error?: string }): void {
    if (this.#child === undefined) return;
    this.#child = undefined;
    if (this.#isStopping) return;
    const { log, fatalExitCodes, restartExitCode, onFatal } = this.#options;
    if (how.code !== undefined && fatalExitCodes.includes(how.code)) {
      log('error', 'the controller cannot run; it is started again on SIGHUP', how);
      onFatal(how.code);
      return;
    }
    if (how.code !== undefined && how.code === restartExitCode) {
      log('info', 'the controller starts again');
      this.#startNow();
      return;
    }
    const delayMs = this.#backOff.ended(performance.now());
    log('error', this.#backOff.isCrashLoop() ? 'the controller keeps ending' : 'the controller ended', {
      ...how,
      restartInMs: delayMs,
    });
    this.#timer = setTimeout(() => this.#startNow(), delayMs);
  }

  #startNow(): void {
    clearTimeout(this.#timer);
    if (!this.#isStopping && this.#child === undefined) this.start();
  }
}
