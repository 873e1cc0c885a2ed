import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCgroupPaths } from './cgroup-paths.ts';

for (const [what, text, v1, v2] of [
  [
    'version 1',
    '5:cpu,cpuacct:/a\n4:memory:/a/b:c\n1:name=systemd:/s\n',
    { cpu: '/a', cpuacct: '/a', memory: '/a/b:c', 'name=systemd': '/s' },
    null,
  ],
  ['version 2', '0::/user.slice/x\n', {}, '/user.slice/x'],
  ['both', '8:pids:/p\n0::/\n', { pids: '/p' }, '/'],
  ['nothing', '', {}, null],
] as const) {
  test(`the cgroups of a process are read: ${what}`, () => {
    const paths = parseCgroupPaths(text);
    assert.deepEqual([Object.fromEntries(paths.v1), paths.v2], [v1, v2]);
  });
}
