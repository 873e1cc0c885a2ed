import assert from 'node:assert/strict';
import { test } from 'node:test';
import { abilitiesOf } from './engine-abilities.ts';

const ALL = { memory: true, cpus: true, pids: true };

test('an engine with root can do what it says, and one that says nothing can do everything', () => {
  const info = { CgroupVersion: '1', MemoryLimit: true, CpuCfsQuota: false, PidsLimit: true };
  assert.deepEqual(abilitiesOf(info, null), { isRootless: false, limits: { ...ALL, cpus: false }, pauses: true });
  assert.deepEqual(abilitiesOf({}, null), { isRootless: false, limits: ALL, pauses: true });
});

test('without root, on cgroup version 1, nothing can be paused', () => {
  const none = { MemoryLimit: false, CpuCfsQuota: false, PidsLimit: false };
  const docker = { CgroupVersion: '1', SecurityOptions: ['name=seccomp,profile=default', 'name=rootless'], ...none };
  const limits = { memory: false, cpus: false, pids: false };
  assert.deepEqual(abilitiesOf(docker, null), { isRootless: true, limits, pauses: false });
  // Podman says that it limits processes, and has no controller for it.
  const podman = { CgroupVersion: '1', Rootless: true, PidsLimit: true };
  assert.deepEqual(abilitiesOf(podman, []), { isRootless: true, limits, pauses: false });
});

test('without root, on cgroup version 2, the controllers that were handed over count', () => {
  const info = { CgroupVersion: '2', Rootless: true, MemoryLimit: false, CpuCfsQuota: false, PidsLimit: true };
  const found = abilitiesOf(info, ['memory', 'pids']);
  assert.deepEqual(found, { isRootless: true, limits: { ...ALL, cpus: false }, pauses: true });
});
