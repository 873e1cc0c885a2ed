import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../test/support/git-repo.ts';
import type { InstanceId } from '../model/ids.ts';
import { RecordFiles } from './record-files.ts';

const id = 'i1' as InstanceId;

test('records outlive whoever wrote them', async (t) => {
  const dir = await tempDir(t);
  await new RecordFiles<{ pid: number }>(dir).save(id, { pid: 1 });
  const records = new RecordFiles<{ pid: number }>(dir);
  assert.deepEqual([...(await records.all())], [[id, { pid: 1 }]]);
  await records.remove(id);
  assert.deepEqual(await readdir(dir), []);
});

test('a write that was cut off leaves the record as it was, and nothing behind', async (t) => {
  const dir = await tempDir(t);
  await new RecordFiles<{ pid: number }>(dir).save(id, { pid: 1 });
  for (const name of [`${id}.json.new`, 'i2.json.new']) await writeFile(join(dir, name), '{"pid": 2');
  const records = new RecordFiles<{ pid: number }>(dir);
  assert.deepEqual([...(await records.all())], [[id, { pid: 1 }]]);
  assert.deepEqual(await readdir(dir), [`${id}.json`]);
});
