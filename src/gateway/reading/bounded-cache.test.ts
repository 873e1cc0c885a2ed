import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../../test/support/properties.ts';
import { BoundedCache } from './bounded-cache.ts';

test('what is used stays, what is not is forgotten once there is no room', () => {
  const cache = new BoundedCache<number>({ entries: 4, bytes: 1_000 });
  for (const at of [1, 2, 3, 4, 5, 6]) {
    cache.set(`k${at}`, at, 1);
    assert.equal(cache.get('k1'), 1);
  }
  assert.equal(cache.get('k2'), undefined);
});

test('what is larger than half of it is not kept, nor is what it would have replaced', () => {
  const cache = new BoundedCache<string>({ entries: 10, bytes: 100 });
  cache.set('a', 'small', 10);
  cache.set('a', 'large', 51);
  assert.equal(cache.get('a'), undefined);
});

test('it never gives what was not the last value, and never holds more than its limits', () => {
  const step = fc.record({
    key: fc.constantFrom(...'abcdefgh'),
    bytes: fc.nat(60),
    kind: fc.constantFrom('set', 'get', 'delete'),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const cache = new BoundedCache<{ readonly at: number; readonly bytes: number }>({ entries: 4, bytes: 100 });
      const last = new Map<string, number>();
      for (const [at, { key, bytes, kind }] of steps.entries()) {
        if (kind === 'set') {
          cache.set(key, { at, bytes }, bytes);
          last.set(key, at);
        } else if (kind === 'delete') {
          cache.delete(key);
          last.delete(key);
        } else {
          const found = cache.get(key);
          if (found !== undefined) assert.equal(found.at, last.get(key));
        }
      }
      const held = [...'abcdefgh'].flatMap((key) => cache.get(key) ?? []);
      assert.ok(held.length <= 4);
      assert.ok(held.reduce((sum, { bytes }) => sum + bytes, 0) <= 100);
    }),
  );
});
