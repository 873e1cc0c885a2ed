import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { watched } from './watched.ts';

const clock = { sleep: async () => turn() };

/** Work that goes on until it is ended. */
function endless(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}

test('work is looked at while it goes on, and not after', async () => {
  let looks = 0;
  const look = async () => {
    looks += 1;
  };
  const work = async () => {
    while (looks < 3) await turn();
    return 'done';
  };
  assert.equal(await watched({ clock, everyMs: 1, signal: new AbortController().signal, look }, work), 'done');
  const seen = looks;
  for (let turns = 0; turns < 5; turns += 1) await turn();
  assert.equal(looks, seen);
});

test('what a look throws ends the work and is what it failed by', async () => {
  const look = () => Promise.reject(new Error('the disk is full'));
  await assert.rejects(
    watched({ clock, everyMs: 1, signal: new AbortController().signal, look }, endless),
    /disk is full/,
  );
});

test('an error of the work is its own, and so is being called off', async () => {
  const look = async () => undefined;
  const fails = () => Promise.reject(new Error('step 3'));
  await assert.rejects(watched({ clock, everyMs: 1, signal: new AbortController().signal, look }, fails), /step 3/);
  const off = new AbortController();
  const working = watched({ clock, everyMs: 1, signal: off.signal, look }, endless);
  off.abort(new Error('superseded'));
  await assert.rejects(working, /superseded/);
});
