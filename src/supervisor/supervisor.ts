import type { GatewayCommand, SpawnCommand } from '../model/processes.ts';
import type { ListenAddress } from '../model/settings.ts';
import { inheritedSockets } from './bind.ts';
import { ControllerProcess } from './controller-process.ts';
import { GatewayFleet } from './gateway-fleet.ts';
import { claimSupervision } from './run-files.ts';
import type { SupervisorLog } from './supervisor-log.ts';

/** The processes that make up a running Mainspring. */
export interface ProcessPlan {
  readonly controller: SpawnCommand;
  readonly gateway: GatewayCommand;
  /** How many gateways. */
  readonly processes: number;
}

/** What a supervisor needs. */
export interface SupervisorOptions {
  readonly listen: readonly ListenAddress[];
  /** `DATA/run`. */
  readonly runDir: string;
  readonly plan: ProcessPlan;
  /** Reads the settings again, on SIGHUP. What it throws is logged, and everything stays as it is. */
  readonly reload: () => Promise<ProcessPlan>;
  /** `LISTEN_PID` and `LISTEN_FDS` of the environment: sockets that a service manager opened. */
  readonly socketVariables: { readonly LISTEN_PID?: string | undefined; readonly LISTEN_FDS?: string | undefined };
  /** How long gateways may drain. */
  readonly drainMs: number;
  /** How long the controller may take to end. */
  readonly controllerStopMs: number;
  /** Exit codes of the controller after which a restart would change nothing. */
  readonly fatalExitCodes: readonly number[];
  /** Exit code of a controller that asks to be started again. */
  readonly restartExitCode?: number;
  readonly log: SupervisorLog;
  /** Once: the controller has come up and all gateways hold a table. */
  readonly onReady: (listen: readonly ListenAddress[]) => void;
  readonly hungAfterMs?: number;
}

/** A supervisor that runs. */
export interface Supervisor {
  /** Gateways drain, then the controller ends. A second call ends the draining. */
  stop(): void;
  /** The controller ends; gateways serve on, for the next supervisor to take over. */
  handOver(): void;
  /** What SIGHUP does. */
  reload(): Promise<void>;
  /** The exit code of the whole program, when all is over. */
  readonly ended: Promise<number>;
}

/**
 * Supervises one controller and several gateways until SIGTERM or SIGINT (all ends), or SIGUSR2 (gateways serve on, for the next
 * supervisor); gives the exit code. Throws `listen-failed` and `store-locked` when it can't begin.
 */
export async function runSupervisor(options: SupervisorOptions): Promise<number> {
  const supervisor = await startSupervisor(options);
  const stop = () => supervisor.stop();
  const reload = () => void supervisor.reload();
  const handOver = () => supervisor.handOver();
  process.on('SIGTERM', stop).on('SIGINT', stop).on('SIGHUP', reload).on('SIGUSR2', handOver);
  const code = await supervisor.ended;
  process.off('SIGTERM', stop).off('SIGINT', stop).off('SIGHUP', reload).off('SIGUSR2', handOver);
  return code;
}

/** The same without signals. */
export async function startSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const release = claimSupervision(options.runDir);
  const run = new Run(options, release);
  try {
    await run.start();
  } catch (error) {
    release();
    throw error;
  }
  return run;
}

class Run implements Supervisor {
  readonly #options: SupervisorOptions;
  readonly #release: () => void;
  readonly #controller: ControllerProcess;
  readonly #fleet: GatewayFleet;
  readonly #ended = Promise.withResolvers<number>();
  #plan: ProcessPlan;
  #listen: readonly ListenAddress[] | undefined;
  #isControllerReady = false;
  #wasReady = false;
  #isStopping = false;

  constructor(options: SupervisorOptions, release: () => void) {
    this.#options = options;
    this.#release = release;
    this.#plan = options.plan;
    this.#controller = new ControllerProcess({
      command: () => this.#plan.controller,
      fatalExitCodes: options.fatalExitCodes,
      restartExitCode: options.restartExitCode,
      log: options.log,
      onReady: () => {
        this.#isControllerReady = true;
        this.#checkReady();
      },
      onFatal: (code) => this.#controllerGaveUp(code),
    });
    this.#fleet = new GatewayFleet({
      runDir: options.runDir,
      listen: options.listen,
      inherited: inheritedSockets(options.socketVariables, process.pid),
      goal: () => ({ processes: this.#plan.processes, command: this.#plan.gateway }),
      log: options.log,
      hungAfterMs: options.hungAfterMs ?? 10_000,
      onReady: (listen) => {
        this.#listen = listen;
        this.#checkReady();
      },
    });
  }

  get ended(): Promise<number> {
    return this.#ended.promise;
  }

  async start(): Promise<void> {
    await this.#fleet.start();
    this.#controller.start();
  }

  stop(): void {
    if (this.#isStopping) this.#fleet.killAll();
    else this.#end(0);
  }

  handOver(): void {
    if (!this.#isStopping) this.#leave(0);
  }

  async reload(): Promise<void> {
    try {
      this.#plan = await this.#options.reload();
    } catch (error) {
      this.#options.log('error', 'the settings could not be read again; nothing changes', { error: String(error) });
      return;
    }
    this.#controller.reload();
    this.#fleet.adjust();
  }

  /** Before it ever came up there is nothing to go on with; later the gateways serve on. */
  #controllerGaveUp(code: number): void {
    if (this.#controller.wasReady || this.#isStopping) return;
    if (this.#fleet.tookOver) this.#leave(code);
    else this.#end(code);
  }

  /** What is served goes on being served: when this start could do nothing, and when another one is to follow. */
  #leave(code: number): void {
    this.#isStopping = true;
    const { controllerStopMs } = this.#options;
    Promise.all([this.#fleet.letGo(), this.#controller.leave(controllerStopMs)])
      .finally(() => this.#release())
      .then(() => this.#ended.resolve(code), this.#ended.reject);
  }

  #end(code: number): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    const { drainMs, controllerStopMs } = this.#options;
    this.#fleet
      .stop(drainMs + 2_000)
      .then(() => this.#controller.stop(controllerStopMs))
      .finally(() => this.#release())
      .then(() => this.#ended.resolve(code), this.#ended.reject);
  }

  #checkReady(): void {
    if (this.#wasReady || !this.#isControllerReady || this.#listen === undefined) return;
    this.#wasReady = true;
    this.#options.onReady(this.#listen);
  }
}
