import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TreeId } from '../model/ids.ts';
import type { JsonObject } from '../model/json.ts';
import { specNamed } from '../model/spec.ts';
import { readBuiltinSpecs } from './builtin-specs.ts';
import { type AppDescription, describeApp } from './describe-app.ts';

const book = readBuiltinSpecs();
const tree = 't'.repeat(40) as TreeId;

interface Given {
  readonly spec: string;
  readonly entries?: readonly string[];
  readonly appConfig?: JsonObject;
  readonly containerOpts?: JsonObject;
  readonly containerArgs?: JsonObject;
  readonly containerVols?: readonly string[];
  readonly refresh?: string | null;
}

function described({ spec: name, entries = [], refresh = null, ...given }: Given) {
  const spec = specNamed(name, book);
  assert.ok(spec);
  const app = { appConfig: {}, containerOpts: {}, containerArgs: {}, containerVols: [], ...given };
  return describeApp(spec, { app, source: { tree, entries, procfile: null }, refresh });
}

function right(given: Given): AppDescription {
  const description = described(given);
  assert.ok('inputs' in description, JSON.stringify(description));
  return description;
}

test('a container is built from the file of the source, with what decides its build and nothing else', () => {
  const containerOpts = { file: 'deploy/C', target: 'web', network: false, build_timeout: '5m', memory: '1g' };
  const containerArgs = { VERSION: 2, DEBUG: true };
  assert.deepEqual(right({ spec: 'container', containerOpts, containerArgs }), {
    inputs: {
      engine: 'docker',
      spec: 'container',
      tree,
      build: { file: 'deploy/C', target: 'web', args: { VERSION: '2', DEBUG: 'true' }, network: false, timeout: '5m' },
    },
  });
});

test('a container is run as its image says, or by another command', () => {
  assert.deepEqual(right({ spec: 'container', appConfig: { command: ['serve', '--port={PORT}'] } }).run, {
    command: ['serve', '--port={PORT}'],
  });
});

test('an image is named as it was declared, and has no tree', () => {
  assert.deepEqual(right({ spec: 'image', appConfig: { image: 'nginx:1.27' }, refresh: '2026-W48' }).inputs, {
    engine: 'docker',
    spec: 'image',
    tree: null,
    build: { image: 'nginx:1.27', refresh: '2026-W48' },
  });
});

test('what is mounted of the source is a part of the artifact, with the tree that it is from', () => {
  const containerVols = ['data:/data', './conf:/etc/app', './conf:/etc/again:ro', './a.toml:/a.toml'];
  const { inputs } = right({ spec: 'image', appConfig: { image: 'nginx:1.27' }, containerVols });
  assert.deepEqual([inputs.tree, inputs.build], [tree, { image: 'nginx:1.27', files: ['a.toml', 'conf'] }]);
  const built = right({ spec: 'container', entries: ['Dockerfile'], containerVols }).inputs;
  assert.deepEqual(built.build, { files: ['a.toml', 'conf'] });
});

test('a spec of ours puts the text of its Containerfile into the artifact, and its command into the revision', () => {
  const { inputs, run } = right({ spec: 'python-flask', entries: ['main.py'], appConfig: { threads: 4 } });
  const { containerfile, ...build } = inputs.build as { containerfile: string };
  assert.match(containerfile, /^FROM python:/m);
  assert.deepEqual(build, { args: { PYTHON_VERSION: '3.13', FRAMEWORK: 'flask', SERVER: 'gunicorn' } });
  assert.deepEqual(run?.variables, { WSGI_APP: 'main:app' });
  assert.ok(run?.command?.includes('--threads=4'));
  assert.ok(run?.command?.includes('--bind=0.0.0.0:{PORT}'));
});

test('arguments of the app win over those of the spec', () => {
  const { inputs } = right({ spec: 'go', containerArgs: { GO_VERSION: '1.27' } });
  assert.deepEqual((inputs.build as { args: unknown }).args, { GO_VERSION: '1.27', PACKAGE: '' });
});

test('what can be found in no file has to be said', () => {
  const description = described({ spec: 'python-flask', entries: ['run.py'] });
  assert.ok('code' in description);
  assert.match(description.message, /found "run\.py", expected "app\.py" or "main\.py" or "wsgi\.py"/);
  assert.match(description.hint ?? '', /app_config = \{"app": "…"\}/);
  assert.ok('inputs' in described({ spec: 'python-flask', entries: ['run.py'], appConfig: { app: 'run:web' } }));
});
