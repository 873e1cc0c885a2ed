import type { Boundary } from '../reconcile/boundaries.ts';

/** The process kills itself, as with kill -9, when it reaches the boundary `NAME` for the first time, or with `NAME#N` for the N-th. */
export function failpoint(named: string): Boundary {
  const match = /^(.*?)(?:#(\d+))?$/.exec(named);
  const name = match?.[1] ?? named;
  let left = Number(match?.[2] ?? 1);
  return (reached) => {
    if (reached !== name) return undefined;
    left -= 1;
    if (left > 0) return undefined;
    process.kill(process.pid, 'SIGKILL');
    // Nothing of this process may go on until the signal is there.
    return new Promise<never>(() => {});
  };
}
