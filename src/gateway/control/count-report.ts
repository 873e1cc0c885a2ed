import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { GatewayMessage } from '../../model/control.ts';
import type { ProcessCounts } from '../../model/gateway-counts.ts';
import type { AppMeters } from '../observe/app-meters.ts';

/** What a gateway process reports from. */
export interface CountReportOptions {
  readonly meters: AppMeters;
  readonly send: (message: GatewayMessage) => void;
  /** What others count of the process. */
  readonly counts: () => Omit<ProcessCounts, 'busySeconds' | 'delayP99Seconds' | 'delayMaxSeconds'>;
}

// A message of so many apps is some 20 KB; the event loop turns between two.
const APPS_A_MESSAGE = 100;
// Coarse, so that an idle process wakes up for it ten times a second and no more often.
const RESOLUTION_MS = 100;

/** Tells the controller what this process has counted, when it asks. */
export class CountReport {
  readonly #options: CountReportOptions;
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor(options: CountReportOptions) {
    this.#options = options;
    this.#delay.enable();
  }

  /** Answers a question: what has changed since the last one, or all of it. */
  async answer(question: number, { all }: { readonly all: boolean }): Promise<void> {
    const apps = this.#options.meters.report({ all });
    for (let at = 0; at < apps.length - APPS_A_MESSAGE; at += APPS_A_MESSAGE) {
      this.#options.send({ type: 'counts', question, apps: apps.slice(at, at + APPS_A_MESSAGE) });
      await new Promise((resolve) => setImmediate(resolve));
    }
    const rest = apps.slice(Math.floor(Math.max(0, apps.length - 1) / APPS_A_MESSAGE) * APPS_A_MESSAGE);
    this.#options.send({ type: 'counts', question, apps: rest, process: this.#process() });
  }

  /** Says once more what nobody has asked for yet: the process ends. */
  stop(): void {
    const apps = this.#options.meters.report({ all: false });
    this.#options.send({ type: 'counts', question: 0, apps, process: this.#process() });
    this.#delay.disable();
  }

  #process(): ProcessCounts {
    const { percentile, max } = { percentile: this.#delay.percentile(99), max: this.#delay.max };
    this.#delay.reset();
    const seconds = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1_000);
    return {
      ...this.#options.counts(),
      busySeconds: performance.eventLoopUtilization().active / 1_000,
      delayP99Seconds: seconds(percentile),
      delayMaxSeconds: seconds(max),
    };
  }
}
