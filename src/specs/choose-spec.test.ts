import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TreeId } from '../model/ids.ts';
import { specNamed } from '../model/spec.ts';
import { readBuiltinSpecs } from './builtin-specs.ts';
import { chooseSpec, detectSpec, isChosen, type SourceFiles } from './choose-spec.ts';
import { CODE_SPECS } from './code-specs.ts';
import { describeApp } from './describe-app.ts';
import { ignoredOptions } from './ignored-options.ts';

const book = readBuiltinSpecs();

const NO_PROCFILE = { procfile: null };

function choice(name: string, files: SourceFiles | null) {
  const chosen = chooseSpec(name, files, book);
  return isChosen(chosen) ? [chosen.spec.name, chosen.found] : chosen.code;
}

const python = (...names: string[]) => ({ dependencies: names.map((name) => `python:${name}`), scripts: [] });
const node = (names: string[], scripts: string[] = []) => ({
  dependencies: names.map((name) => `node:${name}`),
  scripts,
});

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
    'a Dockerfile wins over what is beside it',
    'auto',
    { entries: ['Dockerfile', 'index.html', 'package.json'], ...NO_PROCFILE, survey: node([], ['start']) },
    ['container', 'Dockerfile'],
  ],
  [
    'a Procfile wins over a Dockerfile',
    'auto',
    { entries: ['Dockerfile', 'Procfile'], procfile: 'web: x' },
    ['procfile', 'Procfile'],
  ],
  [
    'a framework is found by its dependency, and wins over a page',
    'auto',
    { entries: ['app.py', 'index.html', 'requirements.txt'], ...NO_PROCFILE, survey: python('flask', 'requests') },
    ['python-flask', 'dependency "flask"'],
  ],
  [
    'a script "start" makes a Node app',
    'auto',
    { entries: ['package.json'], ...NO_PROCFILE, survey: node(['express'], ['start', 'test']) },
    ['node', 'package.json and script "start" in package.json'],
  ],
  [
    'a package.json without a script "start" does not',
    'auto',
    { entries: ['index.html', 'package.json'], ...NO_PROCFILE, survey: node(['lodash'], ['test']) },
    ['static', 'index.html'],
  ],
  [
    'a framework for pages wins over the server below it',
    'auto',
    { entries: ['app.py'], ...NO_PROCFILE, survey: python('fastapi', 'gradio') },
    ['python-gradio', 'dependency "gradio"'],
  ],
  [
    'Hono wins over a script "start"',
    'auto',
    { entries: ['package.json'], ...NO_PROCFILE, survey: node(['hono'], ['start']) },
    ['js-hono', 'dependency "hono"'],
  ],
  ['a go.mod makes a Go app', 'auto', { entries: ['go.mod', 'main.go'], ...NO_PROCFILE }, ['go', 'go.mod']],
  [
    'what an earlier version did not read is not guessed',
    'auto',
    { entries: ['app.py', 'requirements.txt'], ...NO_PROCFILE },
    'spec-undetected',
  ],
  ['node needs its manifest', 'node', { entries: ['index.js'], ...NO_PROCFILE }, 'spec-undetected'],
  ['an image needs no source', 'image', null, ['image', null]],
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
  ['a spec that there is not is unknown', 'cobol', { entries: [], ...NO_PROCFILE }, 'spec-unknown'],
] as const) {
  test(name, () => assert.deepEqual(choice(spec, files), expected));
}

test('what was looked for and what was found is said', () => {
  const found = detectSpec({ entries: ['README.md', 'src/'], procfile: null }, book);
  assert.ok(!isChosen(found));
  assert.match(
    found.message,
    /found "README\.md", "src\/", expected a Containerfile or Dockerfile, a Procfile, an index\.html/,
  );
});

test('a misspelt spec gets the nearest name', () => {
  const found = chooseSpec('statik', { entries: [], procfile: null }, book);
  assert.ok(!isChosen(found));
  assert.match(found.hint ?? '', /Did you mean "static"\?/);
});

const source = { tree: 't'.repeat(40) as TreeId, entries: [], procfile: null };
const nothing = { params: {}, containerOpts: {}, containerArgs: {}, containerVols: [], appConfig: {} };

test('of a process, only what decides a build is part of the artifact', () => {
  const spec = specNamed('procfile', CODE_SPECS);
  assert.ok(spec);
  const described = describeApp(spec, {
    app: { ...nothing, appConfig: { build: 'make', other: 1 } },
    source,
    refresh: null,
  });
  const inputs = { engine: 'process', spec: 'procfile', tree: 't'.repeat(40), build: { build: 'make' } };
  assert.deepEqual(described, { inputs });
});

test('a proxy has no tree in its artifact', () => {
  const spec = specNamed('proxy', CODE_SPECS);
  assert.ok(spec);
  const described = describeApp(spec, { app: nothing, source, refresh: null });
  assert.ok('inputs' in described);
  assert.equal(described.inputs.tree, null);
});

test('options that the found spec does not know are named', () => {
  const spec = specNamed('static', CODE_SPECS);
  assert.ok(spec);
  const given = {
    params: { A: 1 },
    containerOpts: { memory: '1g' },
    containerArgs: { A: 1 },
    containerVols: ['data:/data'],
    appConfig: { index: 'a.html' },
    refresh: 'weekly',
  } as const;
  assert.deepEqual(
    ignoredOptions(spec, given).map((line) => line.split(' has ')[0]),
    ['params "A"', 'container_opts "memory"', 'container_args', 'container_vols', 'refresh'],
  );
});
