import type { Clock } from '../model/clock.ts';
import { MainspringError, problemOf } from '../model/errors.ts';
import type { Status } from '../model/surface.ts';
import type { Reader } from './reader.ts';
import type { WaitVerdict } from './wait-judge.ts';
import { waitVerdict } from './wait-verdict.ts';

/** What to wait for and for how long. */
export interface WaitOptions {
  /** Null: the newest commit of the followed branch, or of what `env` comes from, listed now. */
  readonly commit: string | null;
  readonly env: string | null;
  readonly timeoutMs: number;
  readonly pollMs?: number;
}

/** What waiting needs of the world. */
export interface WaitDeps {
  readonly reader: Pick<Reader, 'status' | 'tip'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called with what goes on, whenever that changes. */
  readonly say: (message: string) => void;
}

/** How the waiting ended. */
export type WaitOutcome =
  | Extract<WaitVerdict, { readonly kind: 'live' | 'failed' }>
  | { readonly kind: 'timed-out'; readonly message: string };

/**
 * Waits until a commit is settled. A daemon that does not answer for a while is asked again until the time is over; what
 * needs a person (a refused token) is thrown at once.
 */
export async function waitForCommit(options: WaitOptions, deps: WaitDeps): Promise<WaitOutcome> {
  const { clock, signal } = deps;
  const until = clock.now() + options.timeoutMs;
  const say = onlyNews(deps.say);
  const listings = listingCounter();
  let commit = options.commit;
  for (let last = 'nothing was heard yet'; ; ) {
    const verdict = await patiently(async () => {
      commit ??= await deps.reader.tip({ env: options.env });
      const status = await deps.reader.status({ commit });
      return waitVerdict(status, { commit, env: options.env, listings: listings(status) });
    });
    if (verdict.kind === 'live' || verdict.kind === 'failed') return verdict;
    last = verdict.message;
    say(last);
    if (verdict.kind === 'follow') commit = verdict.commit;
    const left = until - clock.now();
    if (left <= 0) return { kind: 'timed-out', message: last };
    await clock.sleep(Math.min(left, options.pollMs ?? 1_000), signal);
  }
}

async function patiently(ask: () => Promise<WaitVerdict>): Promise<WaitVerdict> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof MainspringError) || error.retry === 'needs-human') throw error;
    return { kind: 'pending', message: problemOf(error).message };
  }
}

function onlyNews(say: (message: string) => void): (message: string) => void {
  let last = '';
  return (message) => {
    if (message !== last) say(message);
    last = message;
  };
}

/** Counts the listings of the config repo that are newer than the first one seen. By change, not by clock: that one is another machine's. */
function listingCounter(): (status: Status) => number {
  let last: string | null | undefined;
  let count = -1;
  return (status) => {
    const asOf = status.sources.find(({ repo }) => repo === status.config.repo)?.as_of ?? null;
    if (asOf !== last) count += 1;
    last = asOf;
    return count;
  };
}
