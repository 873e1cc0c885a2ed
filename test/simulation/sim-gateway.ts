import { RouteTable } from '../../src/gateway/routing/route-table.ts';
import type { AppId, EnvName, InstanceId } from '../../src/model/ids.ts';
import type { RouteRow, Vacancy } from '../../src/model/routing.ts';
import type { GatewayControl } from '../../src/reconcile/ports.ts';
import type { SimClock } from './sim-clock.ts';

/** How long a request waits for what is asleep, and how often it is asked for. */
const WAIT_MS = 30_000;
const ASK_AGAIN_MS = 1_000;
const ANSWER_MS = 3;

/** What a gateway needs of the world. */
export interface SimGatewayDeps {
  readonly clock: SimClock;
  /** The rows on disk that are newer, oldest first. */
  readonly readSince: (generation: number) => readonly RouteRow[];
  /** A request is led to an instance. */
  readonly onRequest: (instance: InstanceId) => void;
}

/** The gateways, which live on when the controller dies: the product's table, brought up to date when they hear of it, or a second later. */
export class SimGateway {
  readonly table = new RouteTable();
  /** Every place that ever had a route, by `HOST PATH`. */
  readonly places = new Map<string, { readonly host: string; readonly path: string }>();
  readonly inFlight = new Map<InstanceId, number>();
  /** When each instance was last in use. */
  readonly usedAt = new Map<InstanceId, number>();
  /** When an environment that is parked was last asked for. */
  readonly calledAt = new Map<EnvName, number>();
  /** Asks the living controller to wake an app. */
  onWake: (env: EnvName, app: AppId) => void = () => {};
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
    return kind === 'http' || kind === 'static' ? route.serve.instance : undefined;
  }

  /** Every place that leads somewhere, with the instance. */
  served(): { readonly key: string; readonly path: string; readonly instance: InstanceId }[] {
    return [...this.places].flatMap(([key, { host, path }]) => {
      const instance = this.servedAt(host, path);
      return instance === undefined ? [] : [{ key, path, instance }];
    });
  }

  /** Whether requests to a place wait for what is asleep there. */
  isAsleepAt(host: string, path: string): boolean {
    const route = this.table.find(host, path);
    return route?.row.host === host && route.row.path === path && route.serve.target.kind === 'asleep';
  }

  /** What a place says of the app that belongs there and does not serve. */
  vacancyAt(host: string, path: string): Vacancy | undefined {
    const vacant = this.table.findVacant(host, path);
    return vacant?.row.host === host && vacant.row.path === path ? vacant.vacancy : undefined;
  }

  /** Every place that says of an app that it belongs there and does not serve. */
  vacancies(): { readonly key: string; readonly vacancy: Vacancy }[] {
    return [...this.places].flatMap(([key, { host, path }]) => {
      const vacancy = this.vacancyAt(host, path);
      return vacancy === undefined ? [] : [{ key, vacancy }];
    });
  }

  /** Whether requests to a place are for this app. */
  isLedTo(host: string, path: string, { env, app }: Pick<RouteRow, 'env' | 'app'>): boolean {
    const row = this.table.find(host, path)?.row;
    return row?.host === host && row.path === path && row.env === env && row.app === app;
  }

  /**
   * A request comes in on a route and takes a while. One for what is asleep or parked waits until it is back, and asks for that again and
   * again.
   */
  async request(path: string, ms: number, host = 'localhost'): Promise<void> {
    const { clock } = this.#deps;
    for (let waited = 0; waited < WAIT_MS; waited += ASK_AGAIN_MS) {
      const absent = this.#absentAt(host, path);
      if (absent === undefined) break;
      this.onWake(absent.env, absent.app);
      await Promise.race([clock.sleep(ASK_AGAIN_MS), this.#changed()]);
    }
    const instance = this.servedAt(host, path);
    if (instance === undefined) return;
    this.#deps.onRequest(instance);
    this.inFlight.set(instance, (this.inFlight.get(instance) ?? 0) + 1);
    this.usedAt.set(instance, clock.now());
    await clock.sleep(ms);
    this.inFlight.set(instance, (this.inFlight.get(instance) ?? 1) - 1);
    this.usedAt.set(instance, clock.now());
    this.#wake();
  }

  /** Who is asked for at a place where requests wait. */
  #absentAt(host: string, path: string): Pick<RouteRow, 'env' | 'app'> | undefined {
    if (this.isAsleepAt(host, path)) return this.table.find(host, path)?.row;
    if (this.table.find(host, path) !== undefined) return undefined;
    const vacancy = this.vacancyAt(host, path);
    if (vacancy?.why !== 'parked') return undefined;
    this.calledAt.set(vacancy.env, this.#deps.clock.now());
    return vacancy;
  }

  /** A request comes in at every place that is awake. */
  requestEverywhere(ms: number): void {
    for (const { host, path } of this.places.values())
      if (this.servedAt(host, path) !== undefined) void this.request(path, ms, host);
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
      endTunnels: () => {},
      use: async (instance, signal) => {
        // An answer takes a moment, in which much may happen.
        await clock.sleep(ANSWER_MS, signal);
        if (isDead()) await new Promise<never>(() => {});
        const idleMs = clock.now() - (this.usedAt.get(instance) ?? 0);
        return { inFlight: this.inFlight.get(instance) ?? 0, streams: 0, idleMs };
      },
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

  #changed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
