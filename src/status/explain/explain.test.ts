import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONFIG_REPO } from '../../../test/support/declarations.ts';
import { Loop } from '../../../test/support/loop.ts';
import { readAudit } from '../../audit/log.ts';
import { ExplainSchema } from '../../model/surface.ts';
import { explain } from './explain.ts';

/** What is said of an app, by environment, with hashes and times left out. */
function said(loop: Loop, app: string): Record<string, string[]> {
  const { recorded } = loop.ports.store;
  const rows = [...recorded.deployments.values()].filter((row) => row.app === app);
  const environments = explain(rows, recorded, [...readAudit(loop.ports.connection, { app })]);
  ExplainSchema.parse({ app, environments });
  const plain = (text: string) =>
    text
      .replace(/\d{4}-\d{2}-\d{2} [\d:]+Z/g, 'T')
      .replace(/\b(?=[0-9a-f]*\d)[0-9a-f]{8}\b/g, 'ID')
      .replace(/\br[0-9a-f]{11}\b/g, 'R')
      .replaceAll(CONFIG_REPO, 'CONFIG');
  return Object.fromEntries(environments.map(({ env, sentences }) => [env, sentences.map(plain)]));
}

test('the chain from a branch to production is told: preview, stage, promotion', async (t) => {
  const loop = new Loop(t);
  const repo = loop.ports.git.repo(CONFIG_REPO);
  const config = JSON.stringify({ apps: [{ path: '/a', source: { kind: 'config', folder: 'a' } }] });
  const main = repo.push({ 'config.json': config, 'a/index.html': 'a1' });
  await loop.start();
  const head = repo.push({ 'config.json': config, 'a/index.html': 'a2' }, 'topic', [main]);
  await loop.look();
  repo.push({ 'config.json': config, 'a/index.html': 'a2', README: '' }, 'main', [main, head]);
  await loop.look();
  const told = said(loop, '/a');
  assert.deepEqual(Object.keys(told)[0], 'prod');
  assert.deepEqual(told.prod, [
    'Revision ID is live in prod since T, at https://example.com/a.',
    'It is declared, with its files, by commit ID by dev@example.com on main of CONFIG.',
    'It went live in place of revision ID, because of commit ID by dev@example.com on main of CONFIG.',
    'Its artifact ID was built once at T, for topic.',
    'It was promoted from stage: the same revision went live before in topic (T) and stage (T).',
    'Nothing is to be done.',
  ]);
});

test('what is stuck says who blocks it, what to do, and what production waits for', async (t) => {
  const loop = new Loop(t, { behave: ({ variables }) => (variables.X === 'bad' ? { healthy: 'never' } : {}) });
  const apps = (x: string) => [
    loop.app('a', { spec: 'procfile', stage: true, params: { X: x === 'bad' ? 'a2' : x } }),
    loop.app('b', { spec: 'procfile', stage: true, params: { X: x } }),
  ];
  loop.config({ apps: apps('good') });
  await loop.start(5_000);
  loop.config({ apps: apps('bad') });
  await loop.look(1_000);
  const before = said(loop, '/a').prod ?? [];
  assert.ok(
    before.includes('It waits for stage to run the same revision, verified, first: it is ready there in release R.'),
    before.join('\n'),
  );
  await loop.look(120_000);
  const stage = said(loop, '/a').stage ?? [];
  assert.ok(stage.includes('It is ready, and held with release R, which is blocked by /b.'), stage.join('\n'));
  assert.ok(
    stage.some((text) => text.startsWith('/b is quarantined: health /: not 200 within 60s')),
    stage.join('\n'),
  );
  const prod = said(loop, '/a').prod ?? [];
  assert.ok(
    prod.some((text) => text.startsWith('not promoted: in stage it is held')),
    prod.join('\n'),
  );
  assert.ok(prod.includes('What is live goes on meanwhile.'));
  const bad = said(loop, '/b').stage ?? [];
  assert.ok(
    bad.some((text) => text.startsWith('"mainspring logs /b --env stage" shows')),
    bad.join('\n'),
  );
});

test('a removal that the brake holds says what to write', async (t) => {
  const loop = new Loop(t);
  loop.config({ apps: ['a', 'b', 'c'].map((name) => loop.app(name)) });
  await loop.start();
  loop.config({ apps: [] });
  await loop.look();
  const prod = said(loop, '/a').prod ?? [];
  assert.ok(
    prod.some((text) => /^To let it go on, main must say release\(allow_removal = "[0-9a-f]{16}"\)/.test(text)),
    prod.join('\n'),
  );
});
