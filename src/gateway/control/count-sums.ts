import {
  type AppCounts,
  COUNT_AT,
  COUNTS_LENGTH,
  type GatewayTotals,
  MOST_COUNTED_APPS,
  NO_APP,
  OTHER_APPS,
  type ProcessCounts,
} from '../../model/gateway-counts.ts';
import type { AppId, EnvName } from '../../model/ids.ts';

interface ProcessState {
  readonly pid: number;
  readonly apps: Map<string, AppCounts>;
  last: ProcessCounts | undefined;
}

/**
 * Sums what gateway processes report. What a process that is gone had counted stays in the sums, so they never go back while this
 * lives, whatever happens to gateways; only apps that are gone are forgotten.
 */
export class CountSums {
  readonly #isAlive: (pid: number) => boolean;
  readonly #processes = new Map<string, ProcessState>();
  readonly #gone = new Map<string, { readonly env: EnvName; readonly app: AppId; readonly counts: number[] }>();
  readonly #goneProcess = { connectionsAccepted: 0, connectionsRefused: 0, accessLogDropped: 0 };

  constructor(isAlive: (pid: number) => boolean) {
    this.#isAlive = isAlive;
  }

  /** A process reports what has changed; `id` is unique by its start. */
  take(
    { id, pid }: { readonly id: string; readonly pid: number },
    apps: readonly AppCounts[],
    process?: ProcessCounts,
  ): void {
    const state = this.#processes.get(id) ?? { pid, apps: new Map<string, AppCounts>(), last: undefined };
    this.#processes.set(id, state);
    for (const app of apps) {
      const key = keyOf(app);
      const before = state.apps.get(key);
      // It forgot the app for a while: what it had counted until then is not in what it counts now.
      if (before !== undefined && before.serial !== app.serial) this.#keep(before);
      state.apps.set(key, app);
    }
    if (process !== undefined) state.last = process;
  }

  /** The sums, without apps that are not known any more. What is more than `MOST_COUNTED_APPS` is summed as `OTHER_APPS`. */
  totals(isKnown: (env: EnvName, app: AppId) => boolean): Omit<GatewayTotals, 'generation'> {
    this.#settle(isKnown);
    const sums = new Map<string, { env: EnvName; app: AppId; counts: number[] }>();
    for (const { apps } of [{ apps: this.#gone }, ...this.#processes.values()]) {
      for (const [key, { env, app, counts }] of apps) {
        const hasRoom = sums.has(key) || sums.size < MOST_COUNTED_APPS + 2;
        const place = hasRoom ? { env, app } : OTHER_APPS;
        const placeKey = keyOf(place);
        const sum = sums.get(placeKey) ?? { ...place, counts: new Array<number>(COUNTS_LENGTH).fill(0) };
        sums.set(placeKey, sum);
        addTo(sum.counts, counts);
      }
    }
    const processes = [...this.#processes.values()].flatMap(({ pid, last }) =>
      last === undefined ? [] : { pid, ...last },
    );
    return { apps: [...sums.values()], processes, gone: { ...this.#goneProcess } };
  }

  #settle(isKnown: (env: EnvName, app: AppId) => boolean): void {
    for (const [id, state] of this.#processes) {
      if (this.#isAlive(state.pid)) continue;
      this.#processes.delete(id);
      for (const app of state.apps.values()) this.#keep(app);
      this.#goneProcess.connectionsAccepted += state.last?.connectionsAccepted ?? 0;
      this.#goneProcess.connectionsRefused += state.last?.connectionsRefused ?? 0;
      this.#goneProcess.accessLogDropped += state.last?.accessLogDropped ?? 0;
    }
    for (const apps of [this.#gone, ...[...this.#processes.values()].map((state) => state.apps)]) {
      for (const [key, { env, app }] of apps) if (!isOwn(env) && !isKnown(env, app)) apps.delete(key);
    }
  }

  /** Keeps counts whose counting has ended; nothing of them is in flight any more. */
  #keep({ env, app, counts }: AppCounts): void {
    const key = keyOf({ env, app });
    const sum = this.#gone.get(key) ?? { env, app, counts: new Array<number>(COUNTS_LENGTH).fill(0) };
    this.#gone.set(key, sum);
    addTo(sum.counts, counts);
    sum.counts[COUNT_AT.inFlight] = 0;
  }
}

function isOwn(env: EnvName): boolean {
  return env === NO_APP.env || env === OTHER_APPS.env;
}

function addTo(sum: number[], counts: readonly number[]): void {
  for (let at = 0; at < COUNTS_LENGTH; at += 1) sum[at] = (sum[at] ?? 0) + (counts[at] ?? 0);
}

function keyOf({ env, app }: { readonly env: EnvName; readonly app: AppId }): string {
  return `${env}\0${app}`;
}
