import { setTimeout as delay } from 'node:timers/promises';

/** How long to look, and what is said of it when it did not come. */
export interface Patience {
  readonly within?: number;
  /** Milliseconds between two looks. Default: 20 at first, then a sixteenth of the time that was waited, at most 250: looking takes time from what is waited for. */
  readonly every?: number;
  readonly what?: string | (() => string);
}

/** Looks again and again until there is something to see. Errors of a look count as nothing seen; the last one is told. */
export async function eventually<T>(
  look: () => Promise<T | undefined> | T | undefined,
  how: Patience = {},
): Promise<T> {
  const { within = 30_000, every, what = 'what was waited for' } = how;
  const startedAt = performance.now();
  let last: unknown;
  for (;;) {
    try {
      const seen = await look();
      if (seen !== undefined) return seen;
      last = undefined;
    } catch (error) {
      last = error;
    }
    const waited = performance.now() - startedAt;
    if (waited > within) {
      const subject = typeof what === 'string' ? what : what();
      const cause = last === undefined ? {} : { cause: last };
      throw new Error(`not within ${within} ms: ${subject}${last === undefined ? '' : ` (${String(last)})`}`, cause);
    }
    await delay(every ?? Math.min(Math.max(20, waited / 16), 250));
  }
}
