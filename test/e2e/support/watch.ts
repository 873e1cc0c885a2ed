import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from './eventually.ts';
import { ask } from './http.ts';

/** What an outside client got from one moment on, until the next of these. */
export interface Sight {
  /** In milliseconds, as `performance.now` has it. */
  readonly at: number;
  readonly says: string;
}

/** A client outside that asks again and again and logs what answered. */
export interface Watch {
  /** Each change of the answer, oldest first. */
  readonly sights: readonly Sight[];
  /** What it got so far that was no answer of status 200. */
  readonly failures: readonly string[];
  readonly answers: number;
  /** Resolves when something that it asked for after this call was answered: what another client saw before, it has seen too. */
  caughtUp(): Promise<void>;
  /** Forgets what was seen so far but for the newest sight. */
  restart(): void;
  stop(): Promise<void>;
}

/** Starts to ask for a page, on a new connection each time. `read` gives what of an answer is logged. */
export function startWatch(
  t: TestContext,
  of: { port: number; path: string; host?: string; read: (body: string) => string },
): Watch {
  const watch = { sights: [] as Sight[], failures: [] as string[], answers: 0 };
  let isOver = false;
  let looks = 0;
  const look = async () => {
    const { port, path, host = 'localhost' } = of;
    const at = performance.now();
    const { status, body } = await ask({ port, path, host, timeoutMs: 20_000 });
    const says = status === 200 ? of.read(body) : String(status);
    watch.answers += 1;
    if (status !== 200) watch.failures.push(`${status} ${body.slice(0, 200)}`);
    if (watch.sights.at(-1)?.says !== says) watch.sights.push({ at, says });
  };
  const loop = (async () => {
    while (!isOver) {
      await look().catch((error: unknown) => watch.failures.push(String(error)));
      looks += 1;
      // Each look takes two milliseconds of a core, which what is watched needs.
      await delay(10);
    }
  })();
  const caughtUp = async () => {
    // The first that ends from now on may have begun before.
    const enough = looks + 2;
    await eventually(() => looks >= enough || undefined, { every: 2, what: `two further looks at ${of.path}` });
  };
  const stop = async () => {
    isOver = true;
    await loop;
  };
  t.after(stop);
  const restart = () => {
    watch.sights.splice(0, watch.sights.length - 1);
    watch.failures.length = 0;
    watch.answers = 0;
  };
  return Object.assign(watch, { caughtUp, restart, stop });
}
