import { type AppId, type InstanceId, PROD } from '../../src/model/ids.ts';
import type { FakeBehaviour } from '../../src/runtime/fake/fake-world.ts';
import { Loop } from './loop.ts';
import type { TestPortsEdit } from './ports.ts';

type Context = { after(fn: () => void | Promise<void>): void };

/** After so long without use they are stopped, unless a test declares something else. */
export const IDLE_MS = 600_000;

/** Apps that sleep when nobody uses them for ten minutes, and gateways that say who does. */
export class SleepBench {
  readonly loop: Loop;
  /** What is in flight, and when it was last used, by app. */
  readonly inFlight = new Map<string, number>();
  readonly usedAt = new Map<string, number>();
  readonly streams = new Map<string, number>();
  /** How many run at once, at most. */
  most = 0;
  asked = 0;

  constructor(t: Context, behave: (version: string) => FakeBehaviour = () => ({}), edit: TestPortsEdit = {}) {
    this.loop = new Loop(t, {
      ...edit,
      behave: ({ variables }) => {
        this.most = Math.max(this.most, this.running.length + 1);
        return behave(variables.V ?? '');
      },
      gateways: {
        announce: () => {},
        applied: async () => {},
        idle: (id, signal) => this.#idle(id, signal),
        endTunnels: () => {},
        use: async (id) => {
          this.asked += 1;
          const app = this.#appOf(id);
          const usedAt = this.usedAt.get(app) ?? 0;
          return {
            inFlight: this.inFlight.get(app) ?? 0,
            streams: this.streams.get(app) ?? 0,
            idleMs: this.loop.ports.clock.now() - usedAt,
          };
        },
      },
    });
  }

  /** Has apps of these versions declared, and looks. */
  async declare(versions: Readonly<Record<string, string>>, edit: object = {}): Promise<void> {
    const apps = Object.entries(versions).map(([name, version]) =>
      this.loop.app(name, {
        spec: 'procfile',
        idle: { pauseMs: null, stopMs: IDLE_MS },
        params: { V: version },
        ...edit,
      }),
    );
    this.loop.config({ apps });
    await this.loop.look(60_000);
  }

  /** Somebody uses an app now. */
  use(name: string): void {
    this.usedAt.set(name, this.loop.ports.clock.now());
  }

  /** Somebody asks for an app. */
  async wake(name: string, ms = 5_000): Promise<void> {
    this.loop.reconciler.wake(PROD, `/${name}` as AppId);
    await this.loop.pass(ms);
  }

  /** The versions that run, by app. */
  get running(): string[] {
    const { world } = this.loop.ports;
    return [...world.instances.values()]
      .filter(({ running, paused }) => running && !paused)
      .map(({ request }) => `${request.app.slice(1)} ${request.variables.V}`)
      .sort();
  }

  /** Those that are frozen. */
  get paused(): string[] {
    const { world } = this.loop.ports;
    return [...world.instances.values()].filter(({ paused }) => paused).map(({ request }) => request.app.slice(1));
  }

  /** What requests to an app meet. */
  route(name: string): string | undefined {
    return this.loop.ports.store.recorded.route('example.com', `/${name}`)?.serve?.target.kind;
  }

  /** What is to be seen of an app. */
  state(name: string): { readonly asleep: boolean; readonly version: unknown; readonly route: string | undefined } {
    const live = this.loop.deployment(name)?.live;
    return { asleep: live?.asleep === true, version: live?.target.values.params.V, route: this.route(name) };
  }

  #appOf(id: InstanceId): string {
    return this.loop.ports.store.recorded.instances.get(id)?.app.slice(1) ?? '';
  }

  async #idle(id: InstanceId, signal: AbortSignal): Promise<void> {
    while ((this.inFlight.get(this.#appOf(id)) ?? 0) > 0) await this.loop.ports.clock.sleep(100, signal);
  }
}

/** What is to be seen of an app of this version that is asleep, or awake. */
export const asleep = (version: string) => ({ asleep: true, version, route: 'asleep' });
/** The same of one that is awake. */
export const awake = (version: string) => ({ asleep: false, version, route: 'http' });
