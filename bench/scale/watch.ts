import { statSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { memoryOf } from '../process-memory.ts';
import type { Measured, Moments } from './commands.ts';

/** Notes when things happen, by what is written and called. */
export class Watch {
  readonly #database: string;
  readonly #delay = monitorEventLoopDelay({ resolution: 1 });
  calls: Record<string, number> = {};
  #at: Partial<Record<keyof Moments, number>> = {};
  #began = 0;
  #cpu = process.cpuUsage();

  constructor(database: string) {
    this.#database = database;
    this.#delay.enable();
  }

  /** Forgets what was before. */
  begin(): void {
    this.calls = {};
    this.#at = {};
    this.#began = performance.now();
    this.#cpu = process.cpuUsage();
    this.#delay.reset();
  }

  /** Milliseconds since `begin`. */
  get elapsed(): number {
    return performance.now() - this.#began;
  }

  /** The first time counts. */
  note(moment: keyof Moments): void {
    this.#at[moment] ??= performance.now() - this.#began;
  }

  has(moment: keyof Moments): boolean {
    return this.#at[moment] !== undefined;
  }

  end(): Measured {
    const cpu = process.cpuUsage(this.#cpu);
    return {
      type: 'measured',
      moments: this.#at,
      calls: this.calls,
      cpuMs: (cpu.user + cpu.system) / 1000,
      // Without the timer's own resolution.
      blockMs: Math.max(0, this.#delay.max / 1e6 - 1),
      memory: memoryOf(process.pid),
      heapMib: process.memoryUsage().heapUsed / 2 ** 20,
      databaseMib: statSync(this.#database).size / 2 ** 20,
    };
  }
}
