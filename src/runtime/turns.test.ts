import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from './turns.ts';

test('work with one key is done one after the other, with another key at once', async () => {
  const turns = new Turns();
  const done: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = turns.take('a', () => gate.promise.then(() => done.push('a1')));
  const second = turns.take('a', async () => done.push('a2'));
  await turns.take('b', async () => done.push('b'));
  gate.resolve();
  await Promise.all([first, second]);
  assert.deepEqual(done, ['b', 'a1', 'a2']);
});

test('work that failed does not hinder the next', async () => {
  const turns = new Turns();
  await assert.rejects(turns.take('a', () => Promise.reject(new Error('no'))));
  assert.equal(await turns.take('a', async () => 1), 1);
});

test('who stops waiting lets nobody past the one that works', async () => {
  const turns = new Turns();
  const gate = Promise.withResolvers<void>();
  const done: string[] = [];
  const first = turns.take('a', () => gate.promise.then(() => done.push('first')));
  const cancel = new AbortController();
  const second = turns.take('a', async () => done.push('second'), cancel.signal);
  const third = turns.take('a', async () => done.push('third'));
  cancel.abort();
  await assert.rejects(second, { name: 'AbortError' });
  gate.resolve();
  await Promise.all([first, third]);
  assert.deepEqual(done, ['first', 'third']);
});
