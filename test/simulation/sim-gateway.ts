import type { InstanceId } from '../../src/model/ids.ts';
import type { RouteRow } from '../../src/model/routing.ts';
import type { GatewayControl } from '../../src/reconcile/ports.ts';
import type { RecordedView } from '../../src/store/recorded.ts';
import type { SimClock } from './sim-clock.ts';

/** The gateways, which live on when the controller dies: a table that is applied when they hear of it, or a second later. */
export class SimGateway {
  readonly table = new Map<string, RouteRow>();
  readonly inFlight = new Map<InstanceId, number>();
  generation = 0;
  deafUntil = 0;
  readonly #clock: SimClock;
  readonly #recorded: () => RecordedView;
  #waiting: (() => void)[] = [];

  constructor(clock: SimClock, recorded: () => RecordedView) {
    this.#clock = clock;
    this.#recorded = recorded;
  }

  /** Reads what is newer than what it has. */
  apply(): void {
    for (const [key, row] of this.#recorded().routes) {
      if (row.generation <= this.generation) continue;
      this.table.set(key, row);
    }
    this.generation = Math.max(this.generation, this.#recorded().generation);
    this.#wake();
  }

  /** A request comes in on a route and takes a while. */
  async request(path: string, ms: number): Promise<void> {
    const instance = this.table.get(`localhost ${path}`)?.serve?.instance;
    if (instance === undefined) return;
    this.inFlight.set(instance, (this.inFlight.get(instance) ?? 0) + 1);
    await this.#clock.sleep(ms);
    this.inFlight.set(instance, (this.inFlight.get(instance) ?? 1) - 1);
    this.#wake();
  }

  /** Whether any route leads to the instance. */
  routes(instance: InstanceId): boolean {
    for (const row of this.table.values()) if (row.serve?.instance === instance) return true;
    return false;
  }

  /** The control connection of one life of the controller. */
  connect(isDead: () => boolean): GatewayControl {
    return {
      announce: () => {
        if (isDead()) return;
        if (this.#clock.now() >= this.deafUntil) this.apply();
        else void this.#clock.sleep(1_000).then(() => this.apply());
      },
      applied: (generation, signal) => this.#until(() => this.generation >= generation, signal, isDead),
      idle: (instance, signal) => this.#until(() => (this.inFlight.get(instance) ?? 0) === 0, signal, isDead),
    };
  }

  async #until(holds: () => boolean, signal: AbortSignal, isDead: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve, reject) => {
        this.#waiting.push(resolve);
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
      signal.throwIfAborted();
    }
    if (isDead()) await new Promise<never>(() => {});
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
