import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMapped, userOf } from './app-user.ts';

const ALL = '         0          0 4294967295\n';

test('a name has the same user each time, another name another one, and all are in the range that nobody hands out', () => {
  const ids = ['prod/a', 'prod/b', 'stage/a', 'prod/a'].map((name) => userOf(name, ALL).uid);
  assert.equal(new Set(ids).size, 3);
  assert.equal(ids[0], ids[3]);
  for (const id of ids) assert.ok(id >= 1_879_048_192 && id < 2_147_483_648);
});

test('where the kernel knows no such high ids, it is nobody', () => {
  assert.deepEqual(userOf('prod/a', '0 100000 65536\n'), { uid: 65_534, gid: 65_534 });
});

test('a user namespace may map several ranges', () => {
  assert.deepEqual([isMapped(5, '0 1000 1\n1 100000 10'), isMapped(11, '0 1000 1\n1 100000 10')], [true, false]);
});
