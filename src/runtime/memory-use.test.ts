import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryUse } from './memory-use.ts';

const MEMINFO = 'MemTotal:       8000 kB\nMemFree:         100 kB\nMemAvailable:   2000 kB\n';
const V1 = '5:cpu,cpuacct:/x\n4:memory:/docker/abc\n0::/docker/abc\n';

for (const [name, files, share] of [
  ['nothing to read: not known', {}, null],
  ['the machine alone, by what is available', { '/proc/meminfo': MEMINFO }, 0.75],
  [
    'a cgroup v2 with a limit that is nearer, without its cached files',
    {
      '/proc/meminfo': MEMINFO,
      '/proc/self/cgroup': '0::/system.slice/app\n',
      '/sys/fs/cgroup/system.slice/app/memory.max': '1000\n',
      '/sys/fs/cgroup/system.slice/app/memory.current': '950\n',
      '/sys/fs/cgroup/system.slice/app/memory.stat': 'anon 850\ninactive_file 50\n',
    },
    0.9,
  ],
  [
    'a cgroup v2 as a container sees it: at the root',
    {
      '/proc/self/cgroup': '0::/../../outside\n',
      '/sys/fs/cgroup/memory.max': '1000\n',
      '/sys/fs/cgroup/memory.current': '500\n',
    },
    0.5,
  ],
  [
    'a cgroup v2 without a limit: the machine',
    {
      '/proc/meminfo': MEMINFO,
      '/proc/self/cgroup': '0::/\n',
      '/sys/fs/cgroup/memory.max': 'max\n',
      '/sys/fs/cgroup/memory.current': '500\n',
    },
    0.75,
  ],
  [
    'a cgroup v1 with a limit',
    {
      '/proc/self/cgroup': V1,
      '/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes': '1000\n',
      '/sys/fs/cgroup/memory/docker/abc/memory.usage_in_bytes': '900\n',
      '/sys/fs/cgroup/memory/docker/abc/memory.stat': 'inactive_file 1\ntotal_inactive_file 100\n',
    },
    0.8,
  ],
  [
    'a cgroup v1 without a limit: the machine',
    {
      '/proc/meminfo': MEMINFO,
      '/proc/self/cgroup': V1,
      '/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes': '9223372036854771712\n',
      '/sys/fs/cgroup/memory/docker/abc/memory.usage_in_bytes': '900\n',
    },
    0.75,
  ],
] as const) {
  test(`memory in use, ${name}`, async () => {
    const found: Readonly<Record<string, string>> = files;
    assert.equal(await memoryUse(async (path) => found[path] ?? null)(), share);
  });
}

test('memory in use, here', async () => {
  const share = await memoryUse()();
  assert.ok(share !== null && share > 0 && share < 1.01, String(share));
});
