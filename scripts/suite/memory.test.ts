import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { execaNode } from 'execa';
import { memoryVariable } from '../../test/support/memory-folder.ts';
import { keepInMemory } from './memory.ts';

test('where somebody has said where temporary files go, they go there', () => {
  const env = { TMPDIR: '/somewhere' };
  keepInMemory(env);
  assert.deepEqual(env, { TMPDIR: '/somewhere' });
});

test('a folder in memory, if there is one, is for everybody, and gone with the process that made it', async () => {
  const code = `
    import { statSync, writeFileSync } from 'node:fs';
    import { keepInMemory } from ${JSON.stringify(import.meta.resolve('./memory.ts'))};
    const env = {};
    keepInMemory(env);
    const folder = env.TMPDIR ?? null;
    if (folder !== null) writeFileSync(folder + '/left', 'x');
    console.log(JSON.stringify({ env, folder, mode: folder && statSync(folder).mode & 0o7777 }));
  `;
  const { stdout } = await execaNode('--input-type=module', ['--eval', code]);
  const { env, folder, mode } = JSON.parse(stdout);
  if (folder === null) return assert.deepEqual(env, {});
  assert.deepEqual([env, mode], [{ TMPDIR: folder, [memoryVariable]: folder }, 0o1777]);
  assert.equal(existsSync(folder), false);
});
