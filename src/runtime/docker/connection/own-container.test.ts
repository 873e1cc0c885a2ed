import assert from 'node:assert/strict';
import { test } from 'node:test';
import { candidateIds } from './own-container.ts';

const ID = 'ab'.repeat(32);

test('in a container of Docker or Podman its id is in the mounts of its own files', () => {
  const docker = `731 720 8:1 /var/lib/docker/containers/${ID}/hostname /etc/hostname rw - ext4 /dev/sda1 rw`;
  const podman = `84 72 0:25 /containers/storage/overlay-containers/${ID}/userdata/resolv.conf /etc/resolv.conf rw - tmpfs tmpfs rw`;
  assert.deepEqual(candidateIds(docker, 'web'), [ID]);
  assert.deepEqual(candidateIds(podman, 'web'), [ID]);
  assert.deepEqual(candidateIds('', 'abababababab'), ['abababababab']);
});

test('what a machine has mounted of its containers does not make it one', () => {
  const machine = `512 29 0:4 net:[4026532] /run/docker/netns/ab rw - nsfs nsfs rw\n600 29 8:1 /var/lib/docker/containers/${ID}/hostname /mnt/${ID} rw - ext4 /dev/sda1 rw`;
  assert.deepEqual(candidateIds(machine, 'server-1'), []);
});
