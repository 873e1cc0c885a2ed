import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { ERROR_CODES, MainspringError, problemOf } from './errors.ts';

test('docs/errors.md lists every error code once, in order, and no other', async () => {
  const docs = await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  const listed = Array.from(docs.matchAll(/^\| `([a-z-]+)` \|/gm), ([, code]) => code);
  assert.deepEqual(listed, [...ERROR_CODES]);
});

test('docs/errors.md says of each code what comes next', async () => {
  const docs = await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  for (const code of ERROR_CODES) {
    const row = docs.split('\n').find((line) => line.startsWith(`| \`${code}\` |`)) ?? '';
    assert.match(row, /\| `(?:now|after-interval|needs-human)` \|$/, code);
  }
});

test('an error becomes a plain value, and one that nobody foresaw is looked at again later', () => {
  const known = new MainspringError('git-timeout', 'list "x": no answer', { retry: 'after-interval', hint: 'Wait.' });
  assert.deepEqual(problemOf(known), {
    code: 'git-timeout',
    message: 'list "x": no answer',
    hint: 'Wait.',
    retry: 'after-interval',
  });
  const unexpected = { code: 'unexpected', message: 'x', hint: null, retry: 'after-interval' };
  assert.deepEqual(problemOf(new Error('x')), unexpected);
  assert.deepEqual(problemOf('x'), unexpected);
});
