import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const LOADED = 'process.moduleLoadList.some((name) => name.includes("undici"))';

test('an import of http brings no second HTTP client along', () => {
  const options = ['--disable-warning=ExperimentalWarning', '--import', here('light-http.ts'), '--input-type=module'];
  const script = `await import('node:http'); console.log(${LOADED})`;
  assert.equal(execFileSync(process.execPath, [...options, '--eval', script], { encoding: 'utf8' }), 'false\n');
});

test('what the program loads before it knows its role imports no http', () => {
  const options = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval'];
  const script = `process.argv[2] = '--version'; process.on('exit', () => console.error(${LOADED}));
    await import(${JSON.stringify(here('main.ts'))});`;
  const { stderr } = spawnSync(process.execPath, [...options, script], { encoding: 'utf8' });
  assert.equal(stderr, 'false\n');
});
