import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { InstanceId } from '../../src/model/ids.ts';
import type { ProcessEngine } from '../../src/runtime/process/process-engine.ts';
import { systemProcessTable } from '../../src/runtime/process/process-table.ts';
import { eventually } from '../contract/engine-contract.ts';
import { cgroupsOf, type ProcessBench, processBench, STEADY_APP } from '../contract/process-fixture.ts';
import { buildOf, instanceOf, never } from '../contract/process-requests.ts';

const CONTROLLER = fileURLToPath(new URL('../contract/process-controller.ts', import.meta.url));
const KILLS = 12;

/** Runs the controller and kills it, with no chance to clear up, so long after it has said this. */
async function killedAfter(bench: ProcessBench, ms: number, said: 'ready' | 'built'): Promise<void> {
  const child = spawn(process.execPath, [CONTROLLER, bench.dataDir, bench.installation], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  while (!text.includes(said)) text += String((await once(child.stdout, 'data'))[0]);
  await delay(ms);
  const end = once(child, 'exit');
  child.kill('SIGKILL');
  assert.deepEqual(await end, [null, 'SIGKILL']);
}

/** Everything that is in the engine's folder, but for data and the folders themselves. */
async function leftovers(bench: ProcessBench): Promise<string[]> {
  const dir = join(bench.dataDir, 'process');
  const folders = ['artifacts', 'builds', 'instances', 'logs', 'run', 'work'];
  const found = await Promise.all(
    folders.map(async (name) => (await readdir(join(dir, name)).catch(() => [])).map((item) => `${name}/${item}`)),
  );
  return found.flat();
}

/** Instances by the number of first processes that run for them. */
async function runningNow(bench: ProcessBench): Promise<Record<string, number>> {
  const table = systemProcessTable();
  const count: Record<string, number> = {};
  for (const pid of await bench.marked()) {
    const id = table.environment(pid)?.get('MAINSPRING_INSTANCE') ?? 'build';
    count[id] = (count[id] ?? 0) + 1;
  }
  return count;
}

async function converge(engine: ProcessEngine): Promise<void> {
  const artifact = await engine.build(
    buildOf(STEADY_APP, { build: 'setsid sleep 1000 & echo built > built' }),
    never(),
  );
  for (const id of ['a', 'b'] as InstanceId[])
    await engine.start(instanceOf(artifact, { id, dataName: `prod/${id}` }), never());
}

/** Kills the controller at such moments, and sees each time that all is found again. */
async function surviveKills(t: TestContext, said: 'ready' | 'built', everyMs: number): Promise<void> {
  const bench = await processBench(t);
  const states = new Set<string>();
  // On a busy machine nothing may be there yet at the first of them.
  for (let n = 0; n < KILLS || (states.size === 0 && n < 10 * KILLS); n++) {
    await killedAfter(bench, n * everyMs, said);
    const engine = await bench.restart();
    for (const { id, state } of await engine.list()) states.add(`${id} ${state.state}`);
    await converge(engine);
    await eventually(async () => {
      const { a, b, ...others } = await runningNow(bench);
      return a === 1 && b === 1 && Object.keys(others).length === 0 ? true : undefined;
    });
    const tree = join(bench.dataDir, 'process', 'artifacts', (await engine.listArtifacts())[0] ?? '', 'tree');
    assert.equal(await readFile(join(tree, 'built'), 'utf8'), 'built\n');
    for (const { id } of await engine.list()) await engine.remove(id);
    for (const key of await engine.listArtifacts()) await engine.removeArtifact(key);
    assert.deepEqual([await runningNow(bench), await leftovers(bench), cgroupsOf(bench.installation)], [{}, [], []]);
  }
  assert.ok(states.size > 0, 'no kill hit a moment at which something was there');
}

test('after a kill -9 of the controller at any moment all is found again: nothing runs twice, nothing is left', (t) =>
  surviveKills(t, 'ready', 23));

// The first start of a controller takes some 20 ms.
test('after a kill -9 between any two steps of a start all is found again', (t) => surviveKills(t, 'built', 3));

test('a start that is called off at any moment leaves no process and no cgroup', async (t) => {
  const bench = await processBench(t);
  const artifact = await bench.engine().build(buildOf(STEADY_APP), never());
  const request = instanceOf(artifact, { containerOpts: { pids: 50 } });
  let calledOff = 0;
  for (let ms = 1; ms <= 24; ms++) {
    const controller = new AbortController();
    const start = bench.engine().start(request, controller.signal);
    void delay(ms).then(() => controller.abort());
    const isStarted = await start.then(
      () => true,
      () => false,
    );
    if (isStarted) await bench.engine().stop(request.id, { graceMs: 1_000 });
    else calledOff += 1;
    assert.deepEqual([await bench.marked(), cgroupsOf(bench.installation)], [[], []]);
  }
  assert.ok(calledOff > 0, 'every start was faster than that');
});
