import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { parseCgroupPaths } from '../../cgroup-paths.ts';
import { StepCgroups } from './step-cgroups.ts';

/** Cgroups of files, in which a step of a build has two: `pids` and `memory`. */
function cgroupsOf(t: TestContext, path: string) {
  const root = mkdtempSync(join(tmpdir(), 'mainspring-cgroups-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const folder = (hierarchy: string) => join(root, hierarchy, path);
  for (const hierarchy of ['pids', 'memory']) mkdirSync(folder(hierarchy), { recursive: true });
  const says = (hierarchy: string, file: string, text: string) => writeFileSync(join(folder(hierarchy), file), text);
  says('pids', 'pids.current', '3\n');
  says('pids', 'pids.events', 'max 0\n');
  says('memory', 'memory.oom_control', 'oom_kill_disable 0\nunder_oom 0\noom_kill 0\n');
  const steps = new StepCgroups(root, { pids: 10, memoryBytes: 1000 }, () =>
    parseCgroupPaths(`2:pids:${path}\n1:memory:${path}\n`),
  );
  return { folder, says, steps };
}

test('a step gets the limits of the kernel, and whichever it reaches is said', (t) => {
  const { folder, says, steps } = cgroupsOf(t, '/docker/buildkit/abc');
  steps.limit(1);
  assert.equal(readFileSync(join(folder('pids'), 'pids.max'), 'utf8'), '20');
  assert.equal(readFileSync(join(folder('memory'), 'memory.limit_in_bytes'), 'utf8'), '2000');
  assert.equal(steps.reached(), null);
  says('memory', 'memory.oom_control', 'oom_kill_disable 0\nunder_oom 0\noom_kill 1\n');
  assert.equal(steps.reached(), 'memoryBytes');
  says('pids', 'pids.events', 'max 4\n');
  assert.equal(steps.reached(), 'pids');
});

test('more processes than a build may have are seen before the kernel refuses one', (t) => {
  const { says, steps } = cgroupsOf(t, '/docker/buildkit/abc');
  steps.limit(1);
  says('pids', 'pids.current', '11\n');
  assert.equal(steps.reached(), 'pids');
});

test('a cgroup that is gone says nothing more', (t) => {
  const { folder, steps } = cgroupsOf(t, '/docker/buildkit/abc');
  steps.limit(1);
  for (const hierarchy of ['pids', 'memory']) rmSync(folder(hierarchy), { recursive: true });
  assert.equal(steps.reached(), null);
});

test('a cgroup that is not a step’s own is left alone', (t) => {
  const { folder, says, steps } = cgroupsOf(t, '/system.slice/docker.service');
  says('pids', 'pids.max', 'max');
  steps.limit(1);
  assert.equal(readFileSync(join(folder('pids'), 'pids.max'), 'utf8'), 'max');
  says('pids', 'pids.current', '5000\n');
  assert.equal(steps.reached(), null);
});
