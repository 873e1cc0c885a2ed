import {
  type AppCounts,
  COUNT_AT,
  COUNTS_LENGTH,
  MOST_COUNTED_APPS,
  NO_APP,
  OTHER_APPS,
} from '../../model/gateway-counts.ts';
import type { AppId, EnvName } from '../../model/ids.ts';
import type { RouteRow } from '../../model/routing.ts';

/** Counts one app in one environment: plain numbers at the places of `COUNT_AT`. */
export class AppMeter {
  readonly env: EnvName;
  readonly app: AppId;
  readonly serial: number;
  readonly counts = new Float64Array(COUNTS_LENGTH);
  /** Whether anything has changed since it was last reported. */
  hasNews = true;

  constructor({ env, app }: Pick<RouteRow, 'env' | 'app'>, serial: number) {
    this.env = env;
    this.app = app;
    this.serial = serial;
  }

  /** One more request is in flight (or one fewer: -1). */
  move(by: 1 | -1): void {
    this.counts[COUNT_AT.inFlight] = (this.counts[COUNT_AT.inFlight] ?? 0) + by;
    this.hasNews = true;
  }
}

/** The meters of all apps that had a request, up to a bound; what is beyond it is counted together. */
export class AppMeters {
  readonly #most: number;
  readonly #byApp = new Map<string, AppMeter>();
  /** So that a request costs no look-up by name. */
  #byRow = new WeakMap<RouteRow, AppMeter>();
  #serial = 0;
  readonly none: AppMeter;
  readonly other: AppMeter;

  constructor(most = MOST_COUNTED_APPS) {
    this.#most = most;
    this.none = this.#make(NO_APP);
    this.other = this.#make(OTHER_APPS);
  }

  /** The meter of the app that a row leads to. */
  of(row: RouteRow): AppMeter {
    let meter = this.#byRow.get(row);
    if (meter !== undefined) return meter;
    const key = keyOf(row);
    meter = this.#byApp.get(key);
    if (meter === undefined) {
      if (this.#byApp.size >= this.#most) return this.other;
      meter = this.#make(row);
      this.#byApp.set(key, meter);
    }
    this.#byRow.set(row, meter);
    return meter;
  }

  /** These rows came: an app whose route has gone is forgotten; if it lives on elsewhere its counting begins anew. */
  rowsApplied(rows: readonly RouteRow[]): void {
    for (const row of rows) {
      if (row.serve !== null || !this.#byApp.delete(keyOf(row))) continue;
      // Rows of the same app that stayed are bound to a meter that nobody reads any more.
      this.#byRow = new WeakMap();
    }
  }

  /** What has changed since the last call, or everything that is counted. */
  report({ all }: { readonly all: boolean }): AppCounts[] {
    const meters = [this.none, this.other, ...this.#byApp.values()].filter((meter) => all || meter.hasNews);
    return meters.map((meter) => {
      meter.hasNews = false;
      const { env, app, serial, counts } = meter;
      return { env, app, serial, counts: [...counts] };
    });
  }

  #make(of: Pick<RouteRow, 'env' | 'app'>): AppMeter {
    this.#serial += 1;
    return new AppMeter(of, this.#serial);
  }
}

function keyOf({ env, app }: Pick<RouteRow, 'env' | 'app'>): string {
  return `${env}\0${app}`;
}
