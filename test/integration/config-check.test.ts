import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { checkFolder } from '../support/check-folder.ts';

function folderOf(t: TestContext, files: Readonly<Record<string, string>>): string {
  const dir = mkdtempSync(join(tmpdir(), 'mainspring-check-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), content);
  }
  return dir;
}

test('a folder that is right ends with 0 and a summary', async (t) => {
  const dir = folderOf(t, {
    'apps.star': 'print("hi")\napp("/a", "./a", spec = "static")\napp("/b", "github.com/acme/b")\n',
    'a/index.html': '',
  });
  assert.deepEqual(await checkFolder(dir), {
    code: 0,
    stdout: 'ok: 2 apps in 1 file\n',
    stderr: 'apps.star:1: hi\n',
  });
});

test('an empty folder is right, and said to be empty', async (t) => {
  const { code, stdout } = await checkFolder(folderOf(t, {}));
  assert.deepEqual(
    [code, stdout],
    [0, 'ok: 0 apps in 0 files\nnote: there is no config file: *.star at the top, or config/**/*.star\n'],
  );
});

test('--json says ok, errors and apps', async (t) => {
  const right = await checkFolder(folderOf(t, { 'apps.star': 'app("r.:/", "github.com/acme/b//x", id = "b")' }), {
    json: true,
  });
  assert.deepEqual([right.code, right.stderr], [0, '']);
  assert.deepEqual(JSON.parse(right.stdout), {
    ok: true,
    errors: [],
    apps: [
      {
        id: 'b',
        route: 'r.:/',
        source: 'https://github.com/acme/b//x',
        spec: 'auto',
        file: 'apps.star',
        line: 1,
        not_in_effect: [],
      },
    ],
  });
  const wrong = await checkFolder(folderOf(t, { 'apps.star': '\napp("/x", "./x")' }), { json: true });
  assert.deepEqual([wrong.code, wrong.stderr], [1, '']);
  assert.deepEqual(JSON.parse(wrong.stdout), {
    ok: false,
    errors: [
      {
        code: 'config-source-missing',
        file: 'apps.star',
        line: 2,
        column: 11,
        message: 'app "/x": source: "./x" does not exist in the config repo',
        hint: 'Folders are named from the root of the config repo.',
      },
    ],
    apps: [],
  });
});

test('what is no folder is a usage error', async (t) => {
  const dir = folderOf(t, { file: '' });
  assert.deepEqual((await checkFolder(join(dir, 'nothing'))).code, 64);
  assert.deepEqual((await checkFolder(join(dir, 'file'))).code, 64);
});

test('links are not followed, neither out of the folder nor inside; .git is not looked at', async (t) => {
  const outside = folderOf(t, { 'x.star': 'fail("read")', 'lib/x.star': 'fail("read")' });
  const dir = folderOf(t, {
    'a.star': 'load("//lib/x.star", "x")',
    'config/.git/b.star': 'fail("read")',
    '.git/c.star': 'fail("read")',
  });
  symlinkSync(join(outside, 'x.star'), join(dir, 'd.star'));
  symlinkSync(join(outside, 'lib'), join(dir, 'lib'));
  symlinkSync(dir, join(dir, 'config', 'loop'));
  const { stderr } = await checkFolder(dir);
  assert.deepEqual(
    stderr.split('\n').filter((line) => line.includes('error')),
    [
      'a.star:1:6: error: load: there is no file "lib/x.star"',
      'd.star: error: the file is a symbolic link, which is not followed',
      '2 errors in 2 files',
    ],
  );
});

test('nothing that a terminal would obey comes through, also in colour', async (t) => {
  const dir = folderOf(t, { 'a.star': 'print("p\\033[31m")\nfail("a\\033[2Jb\\nc")# \u001b[5m' });
  const { stderr } = await checkFolder(dir, { colour: true });
  assert.ok(stderr.includes('\u001b[31merror:'));
  const plain = [1, 22, 31, 36, 39].reduce((text, code) => text.replaceAll(`\u001b[${code}m`, ''), stderr);
  assert.ok(!plain.includes('\u001b'), JSON.stringify(plain));
  assert.match(plain, /fail: a\ufffd\[2Jb c/);
});

test('a caret stands below the column, also after tabs and wide characters', async (t) => {
  const dir = folderOf(t, { 'a.star': 'def f():\n\tapp("/ä😀", "./x",\tidl = 1)\nf()' });
  const { stderr } = await checkFolder(dir);
  assert.match(stderr, /\n {2}\tapp\("\/ä😀", ".\/x",\tidl = 1\)\n {2}\t {17}\t\^\n/);
});
