import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isBelowPrefix, readAuthorization, sshCommand } from './credentials.ts';

for (const [url, prefix, expected] of [
  ['https://git.acme.dev/data/x.git', 'https://git.acme.dev', true],
  ['https://git.acme.dev/data/x.git', 'https://git.acme.dev/', true],
  ['https://git.acme.dev/data/x.git', 'https://git.acme.dev/data', true],
  ['https://git.acme.dev/data/x.git', 'https://git.acme.dev/data/', true],
  ['https://git.acme.dev/data/x.git', 'https://GIT.acme.dev:443/data/x.git', true],
  ['https://git.acme.dev/database/x.git', 'https://git.acme.dev/data', false],
  ['https://git.acme.dev/Data/x.git', 'https://git.acme.dev/data', false],
  ['https://git.acme.dev/%64ata/x.git', 'https://git.acme.dev/data', false],
  ['https://git.acme.dev.evil.com/data/x', 'https://git.acme.dev', false],
  ['https://git.acme.dev:8443/data/x', 'https://git.acme.dev', false],
  ['http://git.acme.dev/data/x', 'https://git.acme.dev', false],
  ['https://evil.com/https://git.acme.dev/', 'https://git.acme.dev', false],
  ['https://git.acme.dev/data', 'https://git.acme.dev/data/x.git', false],
  ['git@git.acme.dev:data/x', 'ssh://git@git.acme.dev/data', true],
  ['git@git.acme.dev:data/x', 'ssh://git.acme.dev', true],
  ['git@git.acme.dev:data/x', 'git@git.acme.dev:', true],
  ['ssh://git@git.acme.dev/data/x', 'git@git.acme.dev:data', true],
  ['ssh://git@git.acme.dev:22/data/x', 'ssh://git@git.acme.dev', true],
  ['ssh://git@git.acme.dev:2222/data/x', 'ssh://git@git.acme.dev', false],
  ['ssh://root@git.acme.dev/data/x', 'ssh://git@git.acme.dev', false],
  ['/srv/x', 'https://git.acme.dev', false],
  ['https://git.acme.dev/x', '', false],
  ['https://git.acme.dev/x', 'https://', false],
  ['https://git.acme.dev/x', 'https:///', false],
  ['https://git.acme.dev/x', '*', false],
] as const) {
  test(`"${url}" is ${expected ? '' : 'not '}below "${prefix}"`, () =>
    assert.equal(isBelowPrefix(url, prefix), expected));
}

test('a token loses one newline, and one that could add a header is refused', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'mainspring-token-'));
  t.after(() => rm(dir, { recursive: true }));
  const tokenFile = join(dir, 'token');
  const credential = { urlPrefix: 'https://h/', username: null, tokenFile, sshKeyFile: null };
  for (const text of ['abc', 'abc\n', 'abc\r\n']) {
    await writeFile(tokenFile, text);
    assert.equal((await readAuthorization(credential)).header, 'Bearer abc');
  }
  await writeFile(tokenFile, 'p:w\n');
  const basic = await readAuthorization({ ...credential, username: 'ada' });
  assert.equal(basic.header, `Basic ${Buffer.from('ada:p:w').toString('base64')}`);
  for (const text of ['', '\n', 'abc\n\n', 'abc\nX-Evil: 1', 'a\u0000b']) {
    await writeFile(tokenFile, text);
    await assert.rejects(readAuthorization(credential), { code: 'git-auth-refused' }, JSON.stringify(text));
  }
  await rm(tokenFile);
  await assert.rejects(readAuthorization(credential), { code: 'git-auth-refused' });
});

test('the path of a key reaches ssh as one word, whatever is in it', () => {
  assert.match(sshCommand("/keys/it's; touch x"), / -i '\/keys\/it'\\''s; touch x' /);
  assert.match(sshCommand(null), / -o IdentityFile=none /);
});
