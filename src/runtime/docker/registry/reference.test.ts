import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fullRepository, parseReference, pulledName } from './reference.ts';

const digest = `sha256:${'a'.repeat(64)}`;

for (const [text, host, pulled, full] of [
  ['python', 'docker.io', 'python:latest', 'docker.io/library/python'],
  ['acme/app:1', 'docker.io', 'acme/app:1', 'docker.io/acme/app'],
  ['docker.io/library/python:3', 'docker.io', 'docker.io/library/python:3', 'docker.io/library/python'],
  ['ghcr.io/acme/app', 'ghcr.io', 'ghcr.io/acme/app:latest', 'ghcr.io/acme/app'],
  ['localhost:5000/x', 'localhost:5000', 'localhost:5000/x:latest', 'localhost:5000/x'],
  [`ghcr.io/a/b:1@${digest}`, 'ghcr.io', `ghcr.io/a/b@${digest}`, 'ghcr.io/a/b'],
] as const) {
  test(`"${text}" is of ${host}`, () => {
    const reference = parseReference(text);
    assert.ok(reference !== undefined);
    assert.deepEqual([reference.host, pulledName(reference), fullRepository(reference)], [host, pulled, full]);
  });
}

for (const text of ['', '-x', 'a b', 'a:b:c', 'http://x/y', 'x@sha256:12', 'a//b']) {
  test(`"${text}" names no image`, () => assert.equal(parseReference(text), undefined));
}
