import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  appDeclaration,
  commitId,
  desiredFor,
  finish,
  prodOf,
  resolved,
  type SnapshotEdit,
  snapshot,
  targetOf,
  treeId,
  wantOf,
} from '../../test/support/declarations.ts';
import { canonicalJson } from '../model/canonical.ts';
import { isTarget } from '../model/desired.ts';
import { type EngineName, type RevisionSpec, revisionHash } from '../model/revision.ts';
import { DesireMemo } from './desire/memo.ts';
import { desire } from './desire.ts';

const apps = [
  appDeclaration({
    path: '/b',
    spec: 'procfile',
    source: { kind: 'repo', url: 'https://git.example.com/b', folder: '' },
  }),
  appDeclaration({ path: '/a' }),
  appDeclaration({ path: 'wiki.:/', spec: 'auto' }),
  appDeclaration({ path: '/p', spec: 'proxy', source: { kind: 'none' }, params: { url: 'https://docs.example.org' } }),
];
const procfile = resolved({ entries: ['Procfile'], procfile: 'web: ./run' });
const several: SnapshotEdit = { apps, sources: { '/b': procfile } };

test('nothing is desired, and nothing unwanted, while no commit of the config repo was accepted', () => {
  assert.equal(finish(desire({ ...snapshot(), config: null })), null);
});

test('the same snapshot gives the same desired state, byte for byte', () => {
  assert.equal(canonicalJson(desiredFor(several)), canonicalJson(desiredFor(several)));
});

test('the order of the declarations makes no difference', () => {
  const reversed = { ...several, apps: apps.toReversed() };
  assert.equal(canonicalJson(desiredFor(reversed)), canonicalJson(desiredFor(several)));
});

test('what a memo remembers is what is worked out without it', () => {
  const memo = new DesireMemo();
  const first = canonicalJson(desiredFor(several, memo));
  assert.equal(canonicalJson(desiredFor(several, memo)), first);
  assert.equal(canonicalJson(desiredFor(several)), first);
});

test('a memo holds only for the same files and the same settings', () => {
  const memo = new DesireMemo();
  const [app] = apps.slice(1);
  const edits = [{}, { sources: { '/a': resolved({ tree: treeId('8') }) } }, { settings: { domain: 'example.net' } }];
  for (const edit of edits) {
    const all = { apps: app === undefined ? [] : [app], ...edit };
    assert.equal(canonicalJson(desiredFor(all, memo)), canonicalJson(desiredFor(all)));
  }
});

test('stage comes before production, and deployments are in the order of their ids', () => {
  const order = desiredFor(several).environments.map(({ name, deployments }) => [
    name,
    deployments.map(({ app }) => app),
  ]);
  assert.deepEqual(order, [
    ['stage', ['/a', '/b', '/p', 'wiki.:/']],
    ['prod', ['/a', '/b', '/p', 'wiki.:/']],
  ]);
});

test('production waits for what has a stage, and stage for nothing', () => {
  const after = [{}, { stage: { params: { A: 1 } } }, { stage: false }].map((edit) =>
    desiredFor({ apps: [appDeclaration(edit as object)] }).environments.map(({ name, deployments }) => [
      name,
      deployments.map(({ want }) => isTarget(want) && want.policy.after),
    ]),
  );
  const both = [
    ['stage', [null]],
    ['prod', ['stage']],
  ];
  assert.deepEqual(after, [both, both, [['prod', [null]]]]);
});

test('desire reads nothing but the snapshot: it works on one that is frozen', () => {
  assert.equal(canonicalJson(finish(desire(deepFreeze(snapshot())))), canonicalJson(desiredFor()));
});

test('a long pass is cut into slices', () => {
  const many = Array.from({ length: 1_000 }, (_, n) => appDeclaration({ path: `/a${n}` }));
  const slices = [...desire(snapshot({ apps: many }))].length;
  assert.ok(slices >= 3 && slices <= 10, `${slices} slices`);
});

/** Arguments of `app()` that are policy: they change rows, never what runs. */
for (const [name, edit] of [
  ['idle', { spec: 'procfile', idle: { pauseMs: null, stopMs: 60_000 } }],
  ['health', { health: { path: '/up', timeoutMs: 5_000 } }],
  ['limits', { limits: { requests: 5 } }],
  ['verify', { verify: false }],
  ['verify with paths', { verify: ['/up'] }],
  ['strategy', { strategy: 'replace' }],
  ['promote', { promote: 'pinned' }],
  ['strip_path', { stripPath: false }],
  ['slash', { spec: 'procfile', slash: true }],
  ['stage = False', { stage: false }],
] as const) {
  test(`${name} changes the policy of a deployment, never its revision or instance`, () => {
    const spec = 'spec' in edit ? edit.spec : 'static';
    const [before, after] = [targetOf(appDeclaration({ spec })), targetOf(appDeclaration(edit))];
    assert.deepEqual([after.revision, after.instanceHash], [before.revision, before.instanceHash]);
    assert.notEqual(after.policyHash, before.policyHash);
  });
}

for (const [name, edit] of [
  ['another place in the file', { position: { file: 'b.star', line: 9, column: 1 } }],
  ['the branch, where its files are the same', { gitBranch: 'release' }],
  ['a pin, where its files are the same', { gitCommit: commitId('9') }],
  ['previews = False', { previews: false }],
  ['slash of files, which have it anyway', { slash: true }],
  ['what stage says of policy', { stage: { idle: false } }],
] as const) {
  test(`${name} changes nothing of a deployment`, () => {
    const [before, after] = [targetOf(), targetOf(appDeclaration(edit))];
    assert.deepEqual([after.instanceHash, after.policyHash], [before.instanceHash, before.policyHash]);
  });
}

/** Everything that is in a revision. */
for (const [name, edit, source] of [
  ['params', { params: { A: '1' } }, resolved()],
  ['container_opts', { containerOpts: { memory: '512m' } }, resolved()],
  ['container_args', { containerArgs: { VERSION: '1' } }, resolved()],
  ['container_vols', { containerVols: ['data:/data'] }, resolved()],
  ['app_config', { appConfig: { index: 'home.html' } }, resolved()],
  ['the params of stage', { stage: { params: { A: '1' } } }, resolved()],
  ['the container_opts of previews', { previews: { containerOpts: { memory: '1g' } } }, resolved()],
  ['the spec', { spec: 'static_single' }, resolved()],
  ['the files', {}, resolved({ tree: treeId('8') })],
] as const) {
  test(`${name} changes the revision`, () => {
    assert.notEqual(targetOf(appDeclaration(edit), source).revision, targetOf().revision);
  });
}

test('the route changes the address that an instance is told and the policy, never the revision', () => {
  const [before, after] = [targetOf(), targetOf(appDeclaration({ path: '/moved' }))];
  assert.equal(after.revision, before.revision);
  assert.notEqual(after.instanceHash, before.instanceHash);
  assert.deepEqual([after.policy.host, after.policy.path], ['example.com', '/moved']);
});

test('a revision is the hash of what the design says is in it, and of nothing else', () => {
  const target = targetOf(appDeclaration({ params: { A: 1 } }));
  const expected: RevisionSpec = {
    artifact: target.artifact,
    engine: 'static',
    spec: 'static',
    params: { A: 1 },
    containerOpts: {},
    containerArgs: {},
    containerVols: [],
    appConfig: {},
    overrides: { stage: { params: {}, containerOpts: {} }, previews: { params: {}, containerOpts: {} } },
  };
  assert.deepEqual(target.revisionSpec, expected);
  assert.equal(target.revision, revisionHash(expected));
});

test('the same files at another commit are the same deployment', () => {
  const rebased = targetOf(appDeclaration(), resolved({ commit: commitId('6'), author: 'other@example.com' }));
  assert.equal(rebased.instanceHash, targetOf().instanceHash);
  assert.equal(rebased.sourceCommit, commitId('6'));
});

/** The public address: `APP_URL`, `APP_PATH`, and the host of the route. */
for (const [path, publicUrl, url, appPath, host] of [
  ['/tools/sales', 'https://example.com', 'https://example.com/tools/sales', '/tools/sales', 'example.com'],
  ['/', 'https://example.com', 'https://example.com/', '', 'example.com'],
  ['reports.:/', 'https://example.com', 'https://reports.example.com/', '', 'reports.example.com'],
  ['wiki.other.org:/docs', 'https://example.com', 'https://wiki.other.org/docs', '/docs', 'wiki.other.org'],
  ['/a', 'http://localhost:8080', 'http://localhost:8080/a', '/a', 'example.com'],
  ['reports.:/', 'http://localhost:8080', 'http://reports.example.com:8080/', '', 'reports.example.com'],
] as const) {
  test(`${path} below ${publicUrl} is told the address ${url}`, () => {
    const want = wantOf({ apps: [appDeclaration({ path })], settings: { publicUrl } });
    assert.ok(isTarget(want));
    assert.deepEqual([want.values.url, want.values.path, want.policy.host], [url, appPath, host]);
  });
}

test('apps of two hosts may have the same path', () => {
  const both = [appDeclaration({ path: '/x' }), appDeclaration({ path: 'wiki.:/x' })];
  const wants = prodOf(desiredFor({ apps: both })).deployments.map(({ want }) => want);
  assert.deepEqual(
    wants.map((want) => isTarget(want) && [want.policy.host, want.policy.path]),
    [
      ['example.com', '/x'],
      ['wiki.example.com', '/x'],
    ],
  );
});

const problem = { code: 'engine-off', message: 'process apps are off', hint: null, retry: 'needs-human' } as const;
const off = (engine: EngineName) => new Map([[`${engine} prod`, problem]]);

/** What keeps an app from having a target. */
for (const [name, edit, code] of [
  ['a source that was never looked at', { sources: { '/a': null } }, 'git-list-failed'],
  [
    'a source that failed',
    { sources: { '/a': { problem: { ...problem, code: 'git-ref-missing' } } } },
    'git-ref-missing',
  ],
  [
    'files that no spec fits',
    { apps: [appDeclaration({ spec: 'auto' })], sources: { '/a': resolved({ entries: ['x'] }) } },
    'spec-undetected',
  ],
  ['a spec that is not known', { apps: [appDeclaration({ spec: 'statik' })] }, 'spec-unknown'],
  ['a spec without the source it needs', { apps: [appDeclaration({ source: { kind: 'none' } })] }, 'spec-undetected'],
  ['an engine that is off', { engines: off('static') }, 'engine-off'],
] as const) {
  test(`${name}: the app is desired, its target is not known, and why`, () => {
    const want = wantOf(edit);
    assert.ok('problem' in want);
    assert.equal(want.problem.code, code);
    assert.equal(want.configCommit, commitId('c'));
  });
}

test('an engine that is off holds up only its own apps', () => {
  const wants = prodOf(desiredFor({ ...several, engines: off('process') })).deployments;
  assert.deepEqual(
    wants.map(({ app, want }) => [app, isTarget(want)]),
    [
      ['/a', true],
      ['/b', false],
      ['/p', true],
      ['wiki.:/', true],
    ],
  );
});

test('what auto found, what it does not know, and what is not in effect yet stand in the notes', () => {
  const app = appDeclaration({ spec: 'auto', containerOpts: { memory: '1g' }, notInEffect: ['idle'] });
  assert.deepEqual(targetOf(app).notes, [
    'spec "auto": found index.html, uses "static"',
    'container_opts "memory" has no effect: spec "static" does not know it',
    'idle: not in effect yet in this version',
  ]);
});

test('a folder of the config repo is had from the commit that is followed, and has no cause of its own', () => {
  const target = targetOf(appDeclaration({ source: { kind: 'config', folder: 'apps/a' } }));
  assert.equal(target.source?.commit, commitId('c'));
  assert.equal(target.causes.source, null);
});

test('a source repo is had from its own commit, which is a cause', () => {
  const target = targetOf(appDeclaration({ gitBranch: 'release', gitAuth: 'acme' }));
  assert.deepEqual(target.source, { repo: 'https://git.example.com/a', auth: 'acme', commit: commitId('5') });
  assert.deepEqual(target.causes.source, {
    kind: 'commit',
    repo: 'https://git.example.com/a',
    ref: 'release',
    commit: commitId('5'),
    author: 'dev@example.com',
    pull: null,
  });
});

function deepFreeze<T>(value: T): T {
  if (value !== null && typeof value === 'object' && !(value instanceof Map)) {
    for (const member of Object.values(value)) deepFreeze(member);
    Object.freeze(value);
  }
  return value;
}
