import { setTimeout as delay } from 'node:timers/promises';

/** How long to look, and what is said of it when it did not come. */
export interface Patience {
  readonly within?: number;
  readonly every?: number;
  readonly what?: string | (() => string);
}

/** Looks again and again until there is something to see. Errors of a look count as nothing seen; the last one is told. */
export async function eventually<T>(
  look: () => Promise<T | undefined> | T | undefined,
  how: Patience = {},
): Promise<T> {
  const { within = 30_000, every = 20, what = 'what was waited for' } = how;
  const deadline = performance.now() + within;
  let last: unknown;
  for (;;) {
    try {
      const seen = await look();
      if (seen !== undefined) return seen;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) {
      const subject = typeof what === 'string' ? what : what();
      const cause = last === undefined ? {} : { cause: last };
      throw new Error(`not within ${within} ms: ${subject}${last === undefined ? '' : ` (${String(last)})`}`, cause);
    }
    await delay(every);
  }
}
