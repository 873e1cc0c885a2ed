import { MainspringError } from '../../src/model/errors.ts';
import type { FakeFault } from '../../src/runtime/fake/fake-engine.ts';
import type { FaultKind, FaultyMethod } from './events.ts';

const SLOW_MS = 9_000;

/** The faults that are still to happen, each at the next calls of its method. */
export class SimFaults {
  readonly #count: (what: string) => void;
  #waiting: { readonly method: string; readonly kind: FaultKind; times: number }[] = [];

  constructor(count: (what: string) => void) {
    this.#count = count;
  }

  /** From now on so many calls of the method go wrong. */
  add(method: FaultyMethod, kind: FaultKind, times: number): void {
    this.#waiting.push({ method, kind, times });
  }

  /** What goes wrong with a call of the method that happens now. */
  take(method: string): FakeFault {
    const fault = this.#waiting.find((candidate) => candidate.method === method);
    if (fault === undefined) return 'none';
    fault.times -= 1;
    if (fault.times <= 0) this.#waiting = this.#waiting.filter((candidate) => candidate !== fault);
    this.#count(`fault: ${method} ${fault.kind}`);
    return fault.kind === 'slow' ? { delayMs: SLOW_MS } : fault.kind;
  }

  clear(): void {
    this.#waiting = [];
  }
}

/** Time, and who ends the waiting. */
export interface Suffering {
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
  /** Gives up by itself after this; default: only when the signal aborts. */
  readonly gaveUpAfterMs?: number;
  readonly error: () => MainspringError;
}

/** Does something with a fault: as an engine in memory would have it happen to one of its calls. */
export async function suffer<T>(fault: FakeFault, of: Suffering, run: () => Promise<T>): Promise<T> {
  if (fault === 'fail-before') throw of.error();
  if (fault === 'hang') {
    await of.sleep(of.gaveUpAfterMs ?? 86_400_000, of.signal);
    throw new MainspringError('git-timeout', 'no answer', { retry: 'after-interval' });
  }
  if (typeof fault === 'object') await of.sleep(fault.delayMs, of.signal);
  const result = await run();
  if (fault === 'fail-after') throw of.error();
  return result;
}
