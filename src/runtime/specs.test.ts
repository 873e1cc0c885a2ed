import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TreeId } from '../model/ids.ts';
import { artifactInputs, chooseSpec, detectSpec, findSpec, ignoredOptions, isChosen, SPEC_TABLE } from './specs.ts';

const NO_PROCFILE = { procfile: null };

function choice(name: string, files: Parameters<typeof chooseSpec>[1]) {
  const chosen = chooseSpec(name, files);
  return isChosen(chosen) ? [chosen.spec.name, chosen.found] : chosen.code;
}

for (const [name, spec, files, expected] of [
  ['a Procfile makes a procfile app', 'auto', { entries: ['Procfile'], procfile: 'web: x' }, ['procfile', 'Procfile']],
  [
    'a Procfile wins over index.html',
    'auto',
    { entries: ['Procfile', 'index.html'], procfile: 'web: x' },
    ['procfile', 'Procfile'],
  ],
  [
    'index.html makes a static app',
    'auto',
    { entries: ['a/', 'index.html'], ...NO_PROCFILE },
    ['static', 'index.html'],
  ],
  [
    'a Dockerfile is not taken for a static app',
    'auto',
    { entries: ['Dockerfile', 'index.html'], ...NO_PROCFILE },
    'spec-undetected',
  ],
  ['nothing known is a problem', 'auto', { entries: ['README.md'], ...NO_PROCFILE }, 'spec-undetected'],
  [
    'a folder of the name index.html is no page',
    'auto',
    { entries: ['index.html/'], ...NO_PROCFILE },
    'spec-undetected',
  ],
  ['no source can not be looked at', 'auto', null, 'spec-undetected'],
  [
    'a Procfile without web is found before a build',
    'auto',
    { entries: ['Procfile'], procfile: 'worker: x' },
    'spec-undetected',
  ],
  ['a named spec is taken as it is', 'static', { entries: ['Procfile'], procfile: 'web: x' }, ['static', null]],
  ['proxy needs no source', 'proxy', null, ['proxy', null]],
  ['static needs a source', 'static', null, 'spec-undetected'],
  ['procfile needs its file', 'procfile', { entries: ['index.html'], ...NO_PROCFILE }, 'spec-undetected'],
  ['a spec of a later version is unknown', 'python-flask', { entries: [], ...NO_PROCFILE }, 'spec-unknown'],
] as const) {
  test(name, () => assert.deepEqual(choice(spec, files), expected));
}

test('what was looked for and what was found is said', () => {
  const found = detectSpec({ entries: ['README.md', 'src/'], procfile: null });
  assert.ok(!isChosen(found));
  assert.match(found.message, /found "README\.md", "src\/", expected a Procfile or an index\.html/);
});

test('a misspelt spec gets the nearest name', () => {
  const found = chooseSpec('statik', { entries: [], procfile: null });
  assert.ok(!isChosen(found));
  assert.match(found.hint ?? '', /Did you mean "static"\?/);
});

test('only what decides a build is part of the artifact', () => {
  const spec = findSpec('procfile');
  assert.ok(spec);
  const inputs = artifactInputs(spec, 't'.repeat(40) as TreeId, { build: 'make', other: 1 });
  assert.deepEqual(inputs, { engine: 'process', spec: 'procfile', tree: 't'.repeat(40), build: { build: 'make' } });
});

test('a proxy has no tree in its artifact', () => {
  const spec = findSpec('proxy');
  assert.ok(spec);
  assert.equal(artifactInputs(spec, 't'.repeat(40) as TreeId, {}).tree, null);
});

test('options that the found spec does not know are named', () => {
  const spec = findSpec('static');
  assert.ok(spec);
  const ignored = ignoredOptions(spec, {
    params: { A: 1 },
    containerOpts: { memory: '1g' },
    appConfig: { index: 'a.html' },
  });
  assert.deepEqual(
    ignored.map((line) => line.split(' has ')[0]),
    ['params "A"', 'container_opts "memory"'],
  );
});

test('every spec has rules for the config dialect', () => {
  assert.deepEqual(Object.keys(SPEC_TABLE), ['static', 'static_single', 'procfile', 'proxy']);
});
