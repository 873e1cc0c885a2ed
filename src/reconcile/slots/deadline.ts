import type { Clock } from '../../model/clock.ts';
import { type ErrorCode, MainspringError } from '../../model/errors.ts';

/** A time limit, and what to say when it is over. */
export interface Deadline {
  readonly clock: Clock;
  readonly ms: number;
  /** Ends it before. */
  readonly signal: AbortSignal;
  readonly late: { readonly code: ErrorCode; readonly message: string };
}

/** How long something that was told to end is waited for, in milliseconds. */
const GRACE_MS = 5_000;

/**
 * Runs something with a time limit: its signal aborts when the outer one does or when the time is over; then the error says
 * so. What was aborted is waited for a little, so that nothing is undone while it is still being done; what ignores its signal
 * is left behind.
 */
export async function withDeadline<T>(deadline: Deadline, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { clock, ms, signal: outer, late } = deadline;
  outer.throwIfAborted();
  const controller = new AbortController();
  const timer = new AbortController();
  const onAbort = () => controller.abort(outer.reason);
  outer.addEventListener('abort', onAbort, { once: true });
  const ended = new Promise<never>((_, reject) => {
    controller.signal.addEventListener('abort', () => reject(controller.signal.reason), { once: true });
  });
  ended.catch(() => {});
  const over = () => controller.abort(new MainspringError(late.code, late.message, { retry: 'after-interval' }));
  clock.sleep(ms, timer.signal).then(over, () => {});
  // What throws at once must not leave the timer behind either.
  const running = (async () => run(controller.signal))();
  try {
    return await Promise.race([running, ended]);
  } catch (error) {
    if (controller.signal.aborted) await settled(clock, running);
    throw error;
  } finally {
    timer.abort();
    outer.removeEventListener('abort', onAbort);
  }
}

/** The same for what may well take too long: then it gives `whenLate`. Only what the outer signal ended, or what is no expected failure, is thrown. */
export async function beforeDeadline<T>(
  deadline: Omit<Deadline, 'late'>,
  run: (signal: AbortSignal) => Promise<T>,
  whenLate: T,
): Promise<T> {
  try {
    return await withDeadline({ ...deadline, late: { code: 'timed-out', message: 'its time is over' } }, run);
  } catch (error) {
    if (deadline.signal.aborted || !(error instanceof MainspringError)) throw error;
    return whenLate;
  }
}

async function settled(clock: Clock, running: Promise<unknown>): Promise<void> {
  const timer = new AbortController();
  const nothing = () => {};
  await Promise.race([running.then(nothing, nothing), clock.sleep(GRACE_MS, timer.signal).catch(nothing)]);
  timer.abort();
}
