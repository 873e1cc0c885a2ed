import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { cgroupDirs, makeCgroups, NO_PARENTS, parseParents, ranOutOfMemory } from './cgroups.ts';

const LIMITS = { memoryBytes: 64 * 1024 ** 2, cpus: 0.5, pids: 20, nofile: null };
const NO_LIMITS = { memoryBytes: null, cpus: null, pids: null, nofile: null };

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'mainspring-test-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

test('version 1 has a parent for each controller, below the own cgroup', () => {
  const mountinfo = [
    '35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory',
    '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct',
    '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw',
  ].join('\n');
  assert.deepEqual(parseParents(mountinfo, '4:memory:/user/x\n1:cpu,cpuacct:/\n0::/\n'), {
    v1: { memory: '/sys/fs/cgroup/memory/user/x', cpu: '/sys/fs/cgroup/cpu,cpuacct' },
    v2: '/sys/fs/cgroup/unified',
  });
});

test('version 2 has one parent', () => {
  const mountinfo = '30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate';
  assert.deepEqual(parseParents(mountinfo, '0::/system.slice/mainspring.service\n'), {
    v1: {},
    v2: '/sys/fs/cgroup/system.slice/mainspring.service',
  });
});

test('a container that sees a part of the tree finds its own place in it', () => {
  const mountinfo = '35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory';
  assert.equal(parseParents(mountinfo, '4:memory:/docker/abc/x').v1.memory, '/sys/fs/cgroup/memory/x');
});

// What the kernel makes of these files can be seen on a machine with version 2 only; here: what is written where.
test('in version 2 the limits are written to one folder, with the controllers handed down', async (t) => {
  const root = await folder(t);
  const dir = join(root, 'inst', 'i-1');
  await mkdir(dir, { recursive: true });
  const files = ['memory.max', 'memory.swap.max', 'memory.oom.group', 'cpu.max', 'pids.max'];
  for (const name of files) await writeFile(join(dir, name), '');
  const placement = await makeCgroups({ v1: {}, v2: root }, ['inst', 'i-1'], LIMITS);
  const by = 'cgroup v2';
  assert.deepEqual(placement, { dirs: [dir], enforcement: { memory: by, cpus: by, pids: by } });
  const written = await Promise.all(files.map((name) => readFile(join(dir, name), 'utf8')));
  assert.deepEqual(written, ['67108864', '0', '1', '50000 100000', '20']);
  assert.equal(await readFile(join(root, 'cgroup.subtree_control'), 'utf8'), '+pids');
});

test('where the kernel offers no such file, limits are watched or said not to be enforced', async (t) => {
  const root = await folder(t);
  const { enforcement } = await makeCgroups({ v1: {}, v2: root }, ['inst', 'i-1'], LIMITS);
  assert.deepEqual(enforcement, { memory: 'watched', cpus: 'not enforced', pids: 'watched' });
});

test('without any place for cgroups there are none', async () => {
  assert.deepEqual(await makeCgroups(NO_PARENTS, ['inst', 'i-1'], NO_LIMITS), { dirs: [], enforcement: {} });
  assert.deepEqual(cgroupDirs(NO_PARENTS, ['inst', 'i-1']), []);
});

test('without limits only the one that finds hidden children is made', async (t) => {
  const root = await folder(t);
  const parents = { v1: { memory: join(root, 'm'), cpu: join(root, 'c'), pids: join(root, 'p') }, v2: null };
  assert.deepEqual((await makeCgroups(parents, ['inst', 'i-1'], NO_LIMITS)).dirs, [join(root, 'p', 'inst', 'i-1')]);
});

test('the kernel says in either version whether memory ran out', async (t) => {
  const dir = await folder(t);
  await writeFile(join(dir, 'memory.events'), 'oom 1\noom_kill 0\n');
  assert.equal(ranOutOfMemory([dir]), false);
  await writeFile(join(dir, 'memory.oom_control'), 'under_oom 0\noom_kill 1\n');
  assert.equal(ranOutOfMemory([dir]), true);
});
