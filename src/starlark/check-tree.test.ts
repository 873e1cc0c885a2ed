import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appCall } from '../../test/support/config.ts';
import { readBuiltinSpecs } from '../specs/builtin-specs.ts';
import { specTable } from '../specs/spec-table.ts';
import { checkTree } from './check-tree.ts';
import type { ConfigFile } from './config-tree.ts';
import { checkOutcome } from './outcome.ts';

const SPEC_TABLE = specTable(readBuiltinSpecs());

const hosts = { domain: 'example.com', envDomain: 'env.example.com', statusHost: 'mainspring.example.com' };
const files: ConfigFile[] = ['apps/wiki/index.html', 'apps/notes.txt', 'lib/team.star'].map((path) => ({
  path,
  mode: '100644',
  oid: path,
  size: 1,
}));

type Declared =
  | string
  | { readonly path: string; readonly id?: string; readonly source?: string; readonly trail?: string };

/** One file per app: a.star, b.star, … */
async function errorsOf(apps: readonly Declared[], listing = files): Promise<string[]> {
  const pending = apps.map((app, index) => {
    const { trail = '', ...args } = typeof app === 'string' ? { path: app } : app;
    const call = appCall({ source: 'github.com/acme/x', ...args });
    const at = { file: `${String.fromCharCode(97 + index)}.star`, line: 3, column: 1 };
    return checkOutcome({ loads: [], calls: [{ ...call, at, trail }], prints: [], errors: [] }, SPEC_TABLE);
  });
  return checkTree(await Promise.all(pending), hosts, listing).map(({ file, message }) => `${file}: ${message}`);
}

for (const [name, apps] of [
  ['apps side by side', ['/te', '/test', '/x/y', '/x/z']],
  ['an app at the root beside others', ['/', '/x', '/x-y']],
  ['the same path on different hosts', ['/x', 'a.:/x', 'b.:/x', 'wiki.other.com:/x']],
  ['nested paths on different hosts', ['/x', 'a.:/x/y']],
  [
    'a folder of the config repo, and its root',
    [
      { path: '/x', source: './apps/wiki' },
      { path: '/y', source: './' },
    ],
  ],
  ['a host that only looks like the zone', ['notenv.:/', 'env.other.com:/']],
] as const) {
  test(`${name} are fine together`, async () => assert.deepEqual(await errorsOf(apps), []));
}

for (const [name, apps, expected] of [
  ['the same route', ['/x', '/y', '/x'], ['c.star: app "/x": path: the same route is declared at a.star:3']],
  [
    'one route three times',
    ['/x', '/x', '/x'],
    [
      'b.star: app "/x": path: the same route is declared at a.star:3',
      'c.star: app "/x": path: the same route is declared at a.star:3',
    ],
  ],
  [
    'one address, written in two ways',
    ['/x', 'example.com:/x'],
    ['b.star: app "example.com:/x": path: the same address, example.com/x, is declared at a.star:3'],
  ],
  [
    'a subdomain and its full name',
    ['reports.:/', 'Reports.Example.com:/'],
    ['b.star: app "reports.example.com:/": path: the same address, reports.example.com/, is declared at a.star:3'],
  ],
  ['an app below another', ['/x', '/x/y/z'], ['b.star: app "/x/y/z": path: lies below app "/x", declared at a.star:3']],
  ['an app above another', ['/x/y', '/x'], ['b.star: app "/x": path: lies above app "/x/y", declared at a.star:3']],
  [
    'one id twice',
    [
      { path: '/x', id: 'a' },
      { path: '/y', id: 'a' },
    ],
    ['b.star: app "/y": id: "a" is also the id of app "/x", declared at a.star:3'],
  ],
  [
    'a host in the zone of the environments',
    ['pr-1.env.:/', 'env.example.com:/'],
    [
      'a.star: app "pr-1.env.:/": path: host "pr-1.env.example.com" lies in the zone of the environments, "env.example.com"',
      'b.star: app "env.example.com:/": path: host "env.example.com" lies in the zone of the environments, "env.example.com"',
    ],
  ],
  [
    'the status host',
    ['mainspring.:/x'],
    ['a.star: app "mainspring.:/x": path: host "mainspring.example.com" is where the status pages live'],
  ],
  [
    'a folder that is not there',
    [{ path: '/x', source: './apps/wikki' }],
    ['a.star: app "/x": source: "./apps/wikki" does not exist in the config repo'],
  ],
  [
    'a file as a folder',
    [{ path: '/x', source: './apps/notes.txt' }],
    ['a.star: app "/x": source: "./apps/notes.txt" is a file, not a folder'],
  ],
] as const) {
  test(`${name} is an error that names both places or what is there`, async () =>
    assert.deepEqual(await errorsOf(apps), expected));
}

test('a missing folder has its own code and the nearest folder as a hint', async () => {
  const call = appCall({ path: '/x', source: './apps/wikki' });
  const outcome = await checkOutcome({ loads: [], calls: [call], prints: [], errors: [] }, SPEC_TABLE);
  const [error] = checkTree([outcome], hosts, files);
  assert.deepEqual(
    [error?.code, error?.line, error?.hint],
    ['config-source-missing', 2, 'Did you mean "./apps/wiki"?'],
  );
});

test('a link or a submodule is no source folder', async () => {
  const links = [
    { path: 'a', mode: '120000', oid: 'a', size: null },
    { path: 'b', mode: '160000', oid: 'b', size: null },
  ];
  assert.deepEqual(
    await errorsOf(
      [
        { path: '/a', source: './a' },
        { path: '/b', source: './b' },
      ],
      links,
    ),
    [
      'a.star: app "/a": source: "./a" is a symbolic link, which is not followed',
      'b.star: app "/b": source: "./b" is a submodule',
    ],
  );
});

test('two apps of one line are told apart by how they came about', async () => {
  const trail = 'Called from a.star:9.';
  const pending = ['/x', '/x'].map((path) => {
    const call = { ...appCall({ path, source: './apps/wiki' }), trail };
    return checkOutcome({ loads: [], calls: [call], prints: [], errors: [] }, SPEC_TABLE);
  });
  const [error] = checkTree(await Promise.all(pending), hosts, files);
  assert.match(error?.message ?? '', /declared at apps\.star:1 \(called from a\.star:9\)$/);
});

test('previews() and release() are called once, wherever that is', async () => {
  const outcome = (builtin: string, file: string) =>
    checkOutcome(
      { loads: [], calls: [{ ...appCall({}, builtin), at: { file, line: 1, column: 1 } }], prints: [], errors: [] },
      SPEC_TABLE,
    );
  const errors = checkTree(
    await Promise.all([outcome('previews', 'a.star'), outcome('release', 'a.star'), outcome('previews', 'b.star')]),
    hosts,
    files,
  );
  assert.deepEqual(
    errors.map(({ file, message }) => `${file}: ${message}`),
    ['b.star: previews(): holds for the whole repo and is called once; the first call is at a.star:1'],
  );
});
