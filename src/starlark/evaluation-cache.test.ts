import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OutcomeMemory } from './evaluation-cache.ts';
import type { Outcome } from './outcome.ts';

const outcome = (loads: Outcome['loads'] = []): Outcome => ({
  loads,
  prints: [],
  apps: [],
  previews: [],
  releases: [],
  errors: [],
});
const entry = (path: string, oid = 'o') => ({ path, oid });
const specs = {};
const none = { oidOf: () => null, specs };
const kept = { until: null, weight: 1, specs };
const oidOf = (oid: string) => ({ oidOf: () => oid, specs });

test('memory finds an outcome as long as path, content and loads are as they were', () => {
  const memory = new OutcomeMemory(10);
  const one = outcome([['lib', 'l1']]);
  memory.remember(entry('a'), one, kept);
  assert.equal(memory.find(entry('a'), oidOf('l1'), 0), one);
  assert.equal(memory.find(entry('a'), oidOf('l2'), 0), undefined);
  assert.equal(memory.find(entry('a'), none, 0), undefined);
  assert.equal(memory.find(entry('a', 'other'), oidOf('l1'), 0), undefined);
  assert.equal(memory.find(entry('b'), oidOf('l1'), 0), undefined);
});

test('several variants of one content are kept side by side', () => {
  const memory = new OutcomeMemory(10);
  const [one, two] = [outcome([['lib', '1']]), outcome([['lib', '2']])];
  memory.remember(entry('a'), one, kept);
  memory.remember(entry('a'), two, kept);
  assert.equal(memory.find(entry('a'), oidOf('1'), 0), one);
  assert.equal(memory.find(entry('a'), oidOf('2'), 0), two);
  assert.equal(memory.latest('a'), two);
});

test('what is kept until an instant is gone then', () => {
  const memory = new OutcomeMemory(10);
  const one = outcome();
  memory.remember(entry('a'), one, { until: 100, weight: 1, specs });
  assert.equal(memory.find(entry('a'), none, 99), one);
  assert.equal(memory.find(entry('a'), none, 100), undefined);
});

test('past its capacity, memory drops what was not used for longest, but never what was just remembered', () => {
  const memory = new OutcomeMemory(3);
  for (const path of ['a', 'b', 'c']) memory.remember(entry(path), outcome(), kept);
  memory.find(entry('a'), none, 0);
  memory.remember(entry('d'), outcome(), kept);
  const there = () => ['a', 'b', 'c', 'd', 'huge'].filter((path) => memory.find(entry(path), none, 0) !== undefined);
  assert.deepEqual(there(), ['a', 'c', 'd']);
  memory.remember(entry('huge'), outcome(), { until: null, weight: 100, specs });
  assert.deepEqual(there(), ['huge']);
  assert.equal(memory.latest('a'), undefined);
  memory.remember(entry('a'), outcome(), kept);
  assert.deepEqual(there(), ['a']);
});

test('what was checked against other specs is checked again', () => {
  const memory = new OutcomeMemory(10);
  const one = outcome();
  memory.remember(entry('a'), one, kept);
  assert.equal(memory.find(entry('a'), { ...none, specs: {} }, 0), undefined);
  assert.equal(memory.find(entry('a'), none, 0), one);
});
