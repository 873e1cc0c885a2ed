import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeLimits, formatSize, parseLimits } from './limits.ts';

test('limits are read from container_opts, and what else is in there is left alone', () => {
  assert.deepEqual(parseLimits({ memory: '256m', cpus: 1.5, pids: 100, nofile: 1024, port: 80 }), {
    memoryBytes: 268_435_456,
    cpus: 1.5,
    pids: 100,
    nofile: 1024,
  });
  assert.deepEqual(parseLimits({}), { memoryBytes: null, cpus: null, pids: null, nofile: null });
});

for (const [name, options] of [
  ['a size of nothing', { memory: '0m' }],
  ['a size that is none', { memory: 'big' }],
  ['no processor', { cpus: 0 }],
  ['a part of a process', { pids: 1.5 }],
  ['a text for a number', { nofile: '64' }],
] as const) {
  test(`${name} is refused`, () => {
    assert.throws(() => parseLimits(options), { code: 'start-failed' });
  });
}

test('a size is said as a person writes it', () => {
  assert.deepEqual([1024 ** 3, 96 * 1024 ** 2, 1536, 1000].map(formatSize), ['1g', '96m', '1536', '1000']);
});

test('who holds a limit is said', () => {
  const limits = parseLimits({ memory: '1g', nofile: 64 });
  assert.equal(describeLimits(limits, { memory: 'watched' }), 'limits: memory 1g (watched), nofile 64 (rlimit)');
  assert.equal(describeLimits(parseLimits({}), {}), null);
});
