import assert from 'node:assert/strict';
import { test } from 'node:test';
import { abilitiesOf, infoOfDocker, infoOfPodman } from './engine-abilities.ts';

const ALL = { memory: true, cpus: true, pids: true };
const NONE = { memory: false, cpus: false, pids: false };

test('an engine with root can do what it says, and one that says nothing can do everything', () => {
  const docker = infoOfDocker({ CgroupVersion: '1', MemoryLimit: true, CpuCfsQuota: false, PidsLimit: true });
  assert.deepEqual(abilitiesOf(docker), { isRootless: false, limits: { ...ALL, cpus: false }, pauses: true });
  for (const silent of [infoOfDocker({}), infoOfPodman({})])
    assert.deepEqual(abilitiesOf(silent), { isRootless: false, limits: ALL, pauses: true });
});

test('without root, on cgroup version 1, nothing can be paused', () => {
  const none = { MemoryLimit: false, CpuCfsQuota: false, PidsLimit: false };
  const docker = { CgroupVersion: '1', SecurityOptions: ['name=seccomp,profile=default', 'name=rootless'], ...none };
  const expected = { isRootless: true, limits: NONE, pauses: false };
  assert.deepEqual(abilitiesOf(infoOfDocker(docker)), expected);
  const podman = { host: { cgroupVersion: 'v1', cgroupControllers: [], security: { rootless: true } } };
  assert.deepEqual(abilitiesOf(infoOfPodman(podman)), expected);
});

test('without root, on cgroup version 2, the controllers that were handed over count', () => {
  const host = { cgroupVersion: 'v2', cgroupControllers: ['memory', 'pids'], security: { rootless: true } };
  const expected = { isRootless: true, limits: { ...ALL, cpus: false }, pauses: true };
  assert.deepEqual(abilitiesOf(infoOfPodman({ host })), expected);
});
