import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Cleanup } from '../../../support/cleanup.ts';
import { eventually } from '../eventually.ts';
import type { LoadPlan } from './lane.ts';
import type { Kind, LoadReport } from './ledger.ts';

/** Clients outside that ask all the time. */
export interface Load {
  /** What they saw so far. */
  look(): Promise<LoadReport>;
  /** Lets them finish what is under way, and ends them. */
  end(): Promise<LoadReport>;
}

const KINDS: readonly Kind[] = [
  'keep-alive',
  'one-shot',
  'slow upload',
  'slow download',
  'slow reader',
  'events',
  'websocket echo',
  'websocket ticks',
];

/** Starts the clients in a process of their own and waits until each sort of them has got an answer. */
export async function startLoad(t: Cleanup, plan: LoadPlan): Promise<Load> {
  const child = fork(join(import.meta.dirname, 'load-program.ts'), {
    env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE, LOAD: JSON.stringify(plan) },
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exit = once(child, 'exit');
  t.after(() => child.kill('SIGKILL'));
  const ask = async (what: 'look' | 'end') => {
    child.send(what);
    const [report] = (await Promise.race([
      once(child, 'message'),
      exit.then(() => Promise.reject(new Error('the load has ended'))),
    ])) as [LoadReport];
    return report;
  };
  const isFullyUp = async () => {
    const { tallies } = await ask('look');
    return KINDS.every((kind) => (tallies[kind]?.done ?? 0) > 0) || undefined;
  };
  await eventually(isFullyUp, { every: 100, what: 'every sort of client to get an answer' });
  return {
    look: () => ask('look'),
    end: async () => {
      const report = await ask('end');
      await exit;
      return report;
    },
  };
}
