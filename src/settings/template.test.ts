import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { parse } from 'smol-toml';
import { fc } from '../../test/support/properties.ts';
import { variableFor } from './environment.ts';
import { keyTable } from './keys.ts';
import { parseSettings } from './parse.ts';
import { settingsTemplate, tomlText } from './template.ts';

const VALUES = {
  configRepo: '/srv/git/config.git',
  branch: 'trunk',
  domain: 'apps.example.com',
  listen: '0.0.0.0:80',
};

test('a new file works as it is', () => {
  const result = parseSettings(settingsTemplate(VALUES), { file: '/srv/ms/mainspring.toml', env: {}, cores: 2 });
  assert.ok(result.ok, JSON.stringify(result));
  const { settings } = result;
  assert.equal(settings.configRepo, '/srv/git/config.git');
  assert.deepEqual(settings.git.localRoots, ['/srv/git/config.git']);
  assert.equal(settings.branch, 'trunk');
  assert.equal(settings.publicUrl, 'http://apps.example.com');
  assert.equal(settings.dataDir, '/srv/ms/data');
});

test('a new file says of each key that is left out what its default is', () => {
  const text = settingsTemplate(VALUES);
  for (const key of Object.keys(keyTable('/'))) {
    const name = key.split('.').at(-1) ?? '';
    assert.match(text, new RegExp(`^(?:# )?${name} = `, 'm'), `${key} is missing`);
  }
});

test('a file with every comment of a key taken away is right but for what excludes each other', () => {
  const text = settingsTemplate({ ...VALUES, configRepo: 'https://git.example.com/c.git' })
    .replace(/^# ((?:\[[a-z_.]+\]|[a-z_]+ = ).*)$/gm, '$1')
    .replace(/^ssh_key_file.*$/m, '')
    .replace('host = "mainspring.example.com"', '');
  const result = parseSettings(text, { file: 'mainspring.toml', env: {} });
  assert.ok(result.ok, JSON.stringify(result));
});

test('whatever a text holds, TOML reads it back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const whole = text.toWellFormed();
      assert.equal(parse(`x = ${tomlText(whole)}`).x, whole);
    }),
  );
});

test('docs/settings.md tells of each key, with its variable', async () => {
  const docs = await readFile(new URL('../../docs/settings.md', import.meta.url), 'utf8');
  for (const key of Object.keys(keyTable('/'))) {
    const shown = key.replace('*', 'NAME');
    assert.ok(docs.includes(`| \`${shown}\` |`), `${shown} is missing`);
    assert.ok(docs.includes(`\`${variableFor(shown.split('.'))}\``), `the variable of ${shown} is missing`);
  }
  const rows = Array.from(docs.matchAll(/^\| `([a-z_.*NAME]+)` \|/gm), ([, key]) => key?.replace('NAME', '*'));
  assert.deepEqual(rows.sort(), Object.keys(keyTable('/')).sort());
});
