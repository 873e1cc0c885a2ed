import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aboutOfPing } from './engine-about.ts';

test('an engine is known by the headers of its ping', () => {
  const podman = { server: 'Libpod/4.3.1 (linux)', 'api-version': '1.41', 'libpod-api-version': '4.3.1' };
  assert.deepEqual(aboutOfPing(podman), { kind: 'podman', version: '4.3.1', apiVersion: '1.41' });
  const docker = { server: 'Docker/20.10.24+dfsg1 (linux)', 'api-version': '1.41' };
  assert.deepEqual(aboutOfPing(docker), { kind: 'docker', version: '20.10.24+dfsg1', apiVersion: '1.41' });
});

test('where something in between has taken headers away, they say nothing', () => {
  for (const headers of [{}, { server: 'nginx', 'api-version': '1.41' }, { server: 'Docker/28.2.2 (linux)' }]) {
    assert.equal(aboutOfPing(headers), undefined);
  }
});
