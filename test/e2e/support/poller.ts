import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ask } from './http.ts';

/** What a client outside saw while it asked again and again. */
export interface Seen {
  answers: number;
  /** Connections that were made and then broke: what a killed gateway does to what it has in flight. */
  resets: number;
  /** Everything else that is not the answer it should be. */
  readonly failures: string[];
}

/** A client that asks again and again, on a new connection each time, until `stop`. */
export interface Poller {
  readonly seen: Seen;
  stop(): Promise<Seen>;
}

/** Starts asking for a page that must be there, and say one of these things, at every moment. */
export function startPoller(
  t: TestContext,
  of: { port: number; path: string; isGood: (body: string) => boolean },
): Poller {
  const seen: Seen = { answers: 0, resets: 0, failures: [] };
  let isOver = false;
  const loop = (async () => {
    while (!isOver) {
      await look(of, seen);
      await delay(25);
    }
  })();
  const stop = async () => {
    isOver = true;
    await loop;
    return seen;
  };
  t.after(stop);
  return { seen, stop };
}

async function look({ port, path, isGood }: Parameters<typeof startPoller>[1], seen: Seen): Promise<void> {
  try {
    const { status, body } = await ask({ port, path, timeoutMs: 20_000 });
    if (status === 200 && isGood(body)) seen.answers += 1;
    else seen.failures.push(`${status} ${body.slice(0, 200)}`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ECONNRESET' || code === 'EPIPE') seen.resets += 1;
    else seen.failures.push(String(error));
  }
}
