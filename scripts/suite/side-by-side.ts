import { availableParallelism, cpus } from 'node:os';
import pLimit from 'p-limit';

/** How often it is looked whether cores have nothing to do: long enough that what was started last shows. */
const LOOK_MS = 1_000;
/** More at once than cores by so many: what one test has to wait for should not be this suite. */
const MOST_BEYOND_CORES = 4;
/** Of all cores together: with so much idle one more is started, with less than the other none in place of one that ends. */
const IDLE_ENOUGH = 0.3;
const IDLE_TOO_LITTLE = 0.1;

/**
 * Runs all work and returns the results in its order. As many pieces at a time as there are cores, and one more each
 * second in which a third of a core or so had nothing to do: tests wait for containers, registries and the clock.
 */
export async function sideBySide<T>(work: readonly (() => Promise<T>)[]): Promise<T[]> {
  const cores = Math.max(2, availableParallelism());
  const limit = pLimit(cores);
  const idleCores = idleCoresSinceLastAsked();
  const look = setInterval(() => {
    limit.concurrency = nextConcurrency({ cores, running: limit.activeCount, idleCores: idleCores() });
  }, LOOK_MS);
  try {
    return await Promise.all(work.map((piece) => limit(piece)));
  } finally {
    clearInterval(look);
  }
}

/** How many pieces may run from now on, when so many run and so many cores had nothing to do of late. */
export function nextConcurrency(now: { cores: number; running: number; idleCores: number }): number {
  if (now.idleCores < IDLE_TOO_LITTLE) return now.cores;
  const wanted = now.idleCores < IDLE_ENOUGH ? now.running : now.running + 1;
  return Math.max(now.cores, Math.min(wanted, now.cores + MOST_BEYOND_CORES));
}

function idleCoresSinceLastAsked(): () => number {
  const read = () => {
    const times = cpus().map((cpu) => cpu.times);
    const idle = times.reduce((sum, time) => sum + time.idle, 0);
    return { idle, atMs: performance.now() };
  };
  let last = read();
  return () => {
    const now = read();
    const idle = (now.idle - last.idle) / (now.atMs - last.atMs);
    last = now;
    return idle;
  };
}
