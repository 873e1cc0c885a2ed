import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  appDeclaration,
  desiredFor,
  prodOf,
  resolved,
  type SnapshotEdit,
  targetOf,
} from '../../../test/support/declarations.ts';
import { isTarget, type Target } from '../../model/desired.ts';
import type { ResolvedSource } from '../../model/source.ts';
import { readBuiltinSpecs } from '../../specs/builtin-specs.ts';
import { changesOf } from '../plan/changed-arguments.ts';
import { DesireMemo } from './memo.ts';

const specs = readBuiltinSpecs();
const flask = resolved({
  entries: ['app.py', 'requirements.txt'],
  survey: { dependencies: ['python:flask'], scripts: [] },
});

function target(
  app: Parameters<typeof appDeclaration>[0],
  source: ResolvedSource,
  edit: SnapshotEdit = {},
  memo?: DesireMemo,
): Target {
  const declared = appDeclaration(app);
  const all = { apps: [declared], sources: { [declared.id]: source }, specs, ...edit };
  const want = prodOf(desiredFor(all, memo)).deployments[0]?.want;
  assert.ok(want !== undefined && isTarget(want), JSON.stringify(want));
  return want;
}

test('what earlier versions recorded of apps without containers is still equal', () => {
  const procfile = appDeclaration({
    spec: 'procfile',
    appConfig: { build: 'make' },
    containerOpts: { memory: '1g' },
    params: { A: '1' },
  });
  const proxy = appDeclaration({
    spec: 'proxy',
    source: { kind: 'none' },
    params: { url: 'https://docs.example.org' },
  });
  for (const [app, ...hashes] of [
    [appDeclaration(), 'c7cb519b96d7afb9', '5d5099c8dccd65e1', 'e419576f24ae02df', 'c0b2468a730a46af'],
    [procfile, '0be8f28a53d8b024', 'fd04c78393a6a848', 'e419576f24ae02df', 'ba09315e24265d81'],
    [proxy, '618c8bdc216824b2', '218d795842a16d4a', 'e419576f24ae02df', 'b712a6aabdc64792'],
  ] as const) {
    const { revision, artifact, policyHash, instanceHash } = targetOf(app);
    assert.deepEqual(
      [revision, artifact, policyHash, instanceHash].map((hash) => hash.slice(0, 16)),
      hashes,
      app.spec,
    );
  }
});

test('auto finds a framework, and the plan says by what', () => {
  const { revisionSpec, inputs, notes } = target({ spec: 'auto' }, flask);
  assert.deepEqual(
    [revisionSpec.engine, revisionSpec.spec, inputs.engine, inputs.spec],
    ['docker', 'python-flask', 'docker', 'python-flask'],
  );
  assert.deepEqual(notes, ['spec "auto": found dependency "flask", uses "python-flask"']);
  assert.equal(revisionSpec.run?.port, 8000);
});

test('the place of an app and its health change no revision', () => {
  const one = target({ spec: 'python-flask' }, flask);
  const other = target({ path: '/b', spec: 'python-flask', health: { path: '/healthz' }, idle: false }, flask);
  assert.equal(other.revision, one.revision);
  assert.equal(other.policy.health.path, '/healthz');
});

test('an option that is only run with makes no new artifact, one that is built with does', () => {
  const one = target({ spec: 'python-flask' }, flask);
  const threads = target({ spec: 'python-flask', appConfig: { threads: 32 } }, flask);
  assert.deepEqual([threads.artifact === one.artifact, threads.revision === one.revision], [true, false]);
  assert.notEqual(target({ spec: 'python-flask', appConfig: { python: '3.12' } }, flask).artifact, one.artifact);
  assert.notEqual(
    target({ spec: 'python-flask', containerArgs: { SERVER: 'gunicorn<24' } }, flask).artifact,
    one.artifact,
  );
});

test('another version of a spec is a change like any other, told as such', () => {
  const memo = new DesireMemo();
  const one = target({ spec: 'python-flask' }, flask, {}, memo);
  const spec = specs['python-flask'];
  assert.ok(spec?.container);
  const container = { ...spec.container, origin: { kind: 'containerfile', text: 'FROM other\n' } } as const;
  const built = target(
    { spec: 'python-flask' },
    flask,
    { specs: { ...specs, 'python-flask': { ...spec, container } } },
    memo,
  );
  assert.notEqual(built.artifact, one.artifact);
  assert.deepEqual(
    changesOf(one, built).map(({ argument }) => argument),
    ['spec'],
  );
  const command = { ...spec, container: { ...spec.container, command: ['other'] } };
  const run = target({ spec: 'python-flask' }, flask, { specs: { ...specs, 'python-flask': command } }, memo);
  assert.deepEqual([run.artifact === one.artifact, run.revision === one.revision], [true, false]);
  assert.deepEqual(
    changesOf(one, run).map(({ argument }) => argument),
    ['spec'],
  );
});

test('a refreshed app has an artifact for each week, also for who remembers the last one', () => {
  const memo = new DesireMemo();
  const app = { spec: 'python-flask', refresh: 'weekly' } as const;
  const day = (date: string) => target(app, flask, { at: Date.parse(date) }, memo);
  const one = day('2026-11-24');
  assert.equal(day('2026-11-27').artifact, one.artifact);
  const next = day('2026-12-01');
  assert.notEqual(next.artifact, one.artifact);
  assert.deepEqual(changesOf(one, next), [{ argument: 'refresh', from: '2026-W48', to: '2026-W49' }]);
});

test('what an earlier version did not read of the same files is looked at once it is there', () => {
  const memo = new DesireMemo();
  const { survey: _, ...unread } = flask;
  const before = prodOf(
    desiredFor({ apps: [appDeclaration({ spec: 'auto' })], sources: { '/a': unread }, specs }, memo),
  );
  assert.ok(before.deployments[0] !== undefined && 'problem' in before.deployments[0].want);
  assert.equal(target({ spec: 'auto' }, flask, {}, memo).revisionSpec.spec, 'python-flask');
});
