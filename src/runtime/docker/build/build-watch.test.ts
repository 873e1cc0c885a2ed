import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../../model/clock.ts';
import type { ArtifactKey } from '../../../model/ids.ts';
import type { ProcessInfo, ProcessTable } from '../../process/process-table.ts';
import { BuildWatch, buildMark } from './build-watch.ts';

const KEY = 'a'.repeat(64) as ArtifactKey;
const OTHER = 'b'.repeat(64) as ArtifactKey;
const clock: Clock = { now: () => 0, sleep: async () => turn() };

/** A machine whose processes a test sets. */
class Machine implements ProcessTable {
  processes = new Map<number, { readonly mark: string; readonly bytes: number }>();
  find = (pid: number): ProcessInfo => ({
    ...{ pid, parent: 1, group: 1, session: 1, startTime: '1', isZombie: false, isKernelThread: false },
  });
  all = async () => [...this.processes.keys()].map(this.find);
  environment = (pid: number) => new Map([['NO_PROXY', this.processes.get(pid)?.mark ?? '']]);
  memoryBytes = (pid: number) => this.processes.get(pid)?.bytes ?? 0;
  start(pid: number, key: ArtifactKey, bytes = 1): void {
    this.processes.set(pid, { mark: `localhost,${buildMark(key)}`, bytes });
  }
}

function watchOf(machine: Machine): BuildWatch {
  return new BuildWatch({
    clock,
    table: machine,
    bounds: { pids: 3, memoryBytes: 100 * 2 ** 20 },
    cgroups: '/nowhere',
  });
}

/** A build that goes on until it is ended. */
function endless(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}

test('a build with too many processes is ended, and says which limit it was', async () => {
  const machine = new Machine();
  const building = watchOf(machine).watching(KEY, new AbortController().signal, endless);
  for (let pid = 10; pid < 14; pid += 1) machine.start(pid, KEY);
  await assert.rejects(building, { code: 'build-failed', message: /more than 3 processes.*build_pids/ });
});

test('a build that takes too much memory in all its steps is ended', async () => {
  const machine = new Machine();
  const building = watchOf(machine).watching(KEY, new AbortController().signal, endless);
  for (let pid = 10; pid < 12; pid += 1) machine.start(pid, KEY, 60 * 2 ** 20);
  await assert.rejects(building, { code: 'build-failed', message: /more than 100m of memory.*build_memory/ });
});

test('a process that becomes a step of the build after it was first seen counts as one', async () => {
  const machine = new Machine();
  const building = watchOf(machine).watching(KEY, new AbortController().signal, endless);
  machine.processes.set(10, { mark: 'not yet', bytes: 1 });
  for (let looks = 0; looks < 4; looks += 1) await turn();
  machine.start(10, KEY, 200 * 2 ** 20);
  await assert.rejects(building, { code: 'build-failed', message: /build_memory/ });
});

test('what others do, and what ran before, is none of it', async () => {
  const machine = new Machine();
  for (let pid = 100; pid < 110; pid += 1) machine.start(pid, KEY);
  const building = watchOf(machine).watching(KEY, new AbortController().signal, async () => {
    for (let pid = 10; pid < 20; pid += 1) machine.start(pid, OTHER, 2 ** 30);
    for (let looks = 0; looks < 20; looks += 1) await turn();
    return 'built';
  });
  assert.equal(await building, 'built');
});

test('one that is called off says so, and nothing else', async () => {
  const machine = new Machine();
  const off = new AbortController();
  const building = watchOf(machine).watching(KEY, off.signal, endless);
  off.abort(new Error('superseded'));
  await assert.rejects(building, /superseded/);
});
