import { MainspringError } from '../model/errors.ts';

/** Ends with the caller's signal or after `ms`, whichever comes first, and knows which it was. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** What to throw for an error met on the way: the caller's reason, `git-timeout`, or else that very error. */
  explain(error: unknown): unknown;
}

/** A time limit on one operation; `what` names it in the error. */
export function deadline(ms: number, what: string, signal?: AbortSignal): Deadline {
  const timeout = AbortSignal.timeout(ms);
  return {
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    explain: (error) => {
      if (signal?.aborted === true) return signal.reason;
      return timeout.aborted ? timeoutError(what, ms) : error;
    },
  };
}

/** Ends with the signal even where the work itself waits for something that cannot be ended, such as a hanging file system. */
export async function abandonable<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** The error of an operation that took too long. */
export function timeoutError(what: string, ms: number): MainspringError {
  return new MainspringError('git-timeout', `${what}: not done after ${ms / 1_000} s`, {
    retry: 'after-interval',
    hint: 'Is the server reachable from this machine? See `mainspring doctor`.',
  });
}
