import { RouteTable } from '../../src/gateway/route-table.ts';
import type { InstanceId } from '../../src/model/ids.ts';
import type { RouteRow } from '../../src/model/routing.ts';
import type { GatewayControl } from '../../src/reconcile/ports.ts';
import type { SimClock } from './sim-clock.ts';

/** What a gateway needs of the world. */
export interface SimGatewayDeps {
  readonly clock: SimClock;
  /** The rows on disk that are newer, oldest first. */
  readonly readSince: (generation: number) => readonly RouteRow[];
}

/** The gateways, which live on when the controller dies: the product's table, brought up to date when they hear of it, or a second later. */
export class SimGateway {
  readonly table = new RouteTable();
  /** Every place that ever had a route, by `HOST PATH`. */
  readonly places = new Map<string, { readonly host: string; readonly path: string }>();
  readonly inFlight = new Map<InstanceId, number>();
  deafUntil = 0;
  readonly #deps: SimGatewayDeps;
  #waiting: (() => void)[] = [];

  constructor(deps: SimGatewayDeps) {
    this.#deps = deps;
  }

  /** Reads what is newer than what it has. */
  apply(generation = 0): void {
    const rows = this.#deps.readSince(this.table.generation);
    for (const { host, path } of rows) this.places.set(`${host} ${path}`, { host, path });
    this.table.apply(rows);
    this.table.advance(generation);
    this.#wake();
  }

  /** What a place leads to by a route of its own. */
  servedAt(host: string, path: string): InstanceId | undefined {
    const route = this.table.find(host, path);
    if (route?.row.host !== host || route.row.path !== path) return undefined;
    // Requests that are held reach nobody yet.
    const { kind } = route.serve.target;
    return kind === 'held' || kind === 'asleep' ? undefined : route.serve.instance;
  }

  /** Every place that leads somewhere, with the instance. */
  served(): { readonly key: string; readonly path: string; readonly instance: InstanceId }[] {
    return [...this.places].flatMap(([key, { host, path }]) => {
      const instance = this.servedAt(host, path);
      return instance === undefined ? [] : [{ key, path, instance }];
    });
  }

  /** A request comes in on a route and takes a while. */
  async request(path: string, ms: number): Promise<void> {
    const instance = this.servedAt('localhost', path);
    if (instance === undefined) return;
    this.inFlight.set(instance, (this.inFlight.get(instance) ?? 0) + 1);
    await this.#deps.clock.sleep(ms);
    this.inFlight.set(instance, (this.inFlight.get(instance) ?? 1) - 1);
    this.#wake();
  }

  /** Whether any route leads to the instance. */
  routes(instance: InstanceId): boolean {
    return this.served().some((route) => route.instance === instance);
  }

  /** The control connection of one life of the controller. */
  connect(isDead: () => boolean): GatewayControl {
    const { clock } = this.#deps;
    return {
      announce: (generation) => {
        if (isDead()) return;
        if (clock.now() >= this.deafUntil) this.apply(generation);
        else void clock.sleep(1_000).then(() => this.apply());
      },
      applied: (generation, signal) => this.#until(() => this.table.generation >= generation, signal, isDead),
      use: async (instance) => ({ inFlight: this.inFlight.get(instance) ?? 0, idleMs: 0 }),
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
