import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appFrom, appInside, told, urlOf, type World, worldWith } from '../../../test/support/branches.ts';
import { CONFIG_REPO } from '../../../test/support/declarations.ts';
import type { Desired } from '../../model/desired.ts';
import type { SpecBook } from '../../model/spec.ts';
import { CODE_SPECS } from '../../specs/code-specs.ts';
import { readSpec } from '../../specs/spec-files.ts';

const both = [appFrom('a'), appFrom('b')];

/** A branch of repo `a` with a commit of its own. */
function withBranch(world: World, branch = 'x', repo = 'a'): World {
  world
    .repo(repo)
    .branch(branch)
    .commit(branch, { '': `${repo} on ${branch}` });
  return world;
}

/** Main with apps `a` and `b`, and a preview of branch `x` of `a` that is there. */
function previewed(): World {
  const world = withBranch(worldWith(['a', 'b']));
  world.settle();
  return world;
}

/** A spec of the config repo, with this Containerfile. */
function teamSpecs(containerfile: string): SpecBook {
  const read = readSpec({ name: 'ours', manifest: 'description = "ours"', containerfile }, CODE_SPECS);
  assert.ok(read.ok);
  return { ...CODE_SPECS, ours: read.spec };
}

const endings = ({ ended }: Desired) => ended.map(({ name, why }) => `${name}: ${why}`);

/** Which branches have a preview, and what it holds. */
for (const [name, arrange, expected] of [
  ['without branches there is none', () => {}, []],
  ['a branch of a source holds that app', withBranch, ['x: /a']],
  [
    'a branch of the config repo holds what it declares otherwise',
    (world: World) =>
      void world.config.branch('x').commit('x', {}, { apps: [appFrom('a', { params: { A: '1' } }), appFrom('b')] }),
    ['x: /a'],
  ],
  [
    'a branch that changes a spec of the team holds the apps that mean it',
    (world: World) => {
      const apps = [appFrom('a', { spec: 'ours' }), appFrom('b')];
      world.config.commit('main', {}, { apps, specs: teamSpecs('FROM one') });
      world.config.branch('x').commit('x', {}, { apps, specs: teamSpecs('FROM two') });
      world.config.branch('y').commit('y', {}, { apps, specs: teamSpecs('FROM one') });
    },
    ['x: /a'],
  ],
  [
    'a branch in two sources is one preview',
    (world: World) => void withBranch(withBranch(world), 'x', 'b'),
    ['x: /a /b'],
  ],
  [
    'a branch in the config repo and two sources is one preview',
    (world: World) => {
      withBranch(withBranch(world), 'x', 'b')
        .config.branch('x')
        .commit('x', { wiki: '1' }, { apps: [...both, appInside('wiki')] });
    },
    ['x: /a /b /wiki'],
  ],
  ['two branches of one source are two', (world: World) => void withBranch(withBranch(world), 'y'), ['x: /a', 'y: /a']],
  [
    'branches that share a slug are two',
    (world: World) => {
      withBranch(withBranch(world, 'f/x'), 'f-x');
    },
    ['f-x: /a', 'f-x-6b2b5a8b: /a'],
  ],
  ['a branch that is where main is has none', (world: World) => void world.repo('a').branch('x'), []],
  [
    'a branch that is behind main has none',
    (world: World) => {
      world.repo('a').branch('x').commit('main', { '': 'newer' });
    },
    [],
  ],
  [
    'a branch that is ahead of main and behind it holds its own change',
    (world: World) => {
      withBranch(world).repo('a').commit('main', { '': 'newer' });
    },
    ['x: /a'],
  ],
  [
    'a branch without an ancestor in common with main is no proposal',
    (world: World) => {
      world.repo('a').put('x', { folders: { '': 'other' }, parents: [] });
    },
    [],
  ],
  [
    'a branch of the config repo without an ancestor in common is none either',
    (world: World) => {
      world.config.put('x', { folders: {}, config: { apps: [appInside('z')] }, parents: [] });
    },
    [],
  ],
  [
    'a branch that was merged with a commit and not deleted has none',
    (world: World) => {
      withBranch(world).repo('a').merge('x');
    },
    [],
  ],
  [
    'a branch that was merged by moving main has none',
    (world: World) => {
      withBranch(world).repo('a').branch('main', 'x');
    },
    [],
  ],
  [
    'a branch that was merged into main, and main went on, has none',
    (world: World) => {
      withBranch(world).repo('a').merge('x');
      world.repo('a').commit('main', { '': 'newer' });
    },
    [],
  ],
  [
    'a branch that was squashed and not deleted differs from what it began from',
    (world: World) => {
      withBranch(world).repo('a').merge('x', { squash: true });
    },
    ['x: /a'],
  ],
  [
    'a branch that changes and changes back holds nothing',
    (world: World) => {
      withBranch(world).repo('a').commit('x', { '': 'a 1' });
    },
    [],
  ],
  [
    'a branch that an app follows is none',
    (world: World) => {
      world.config.commit('main', {}, { apps: [appFrom('a'), appFrom('a', { path: '/rel', gitBranch: 'x' })] });
      withBranch(world);
    },
    [],
  ],
  [
    'a repo of which an app follows that branch takes no part',
    (world: World) => {
      withBranch(withBranch(world), 'x', 'b');
      world.config.commit('main', {}, { apps: [appFrom('a', { gitBranch: 'x' }), appFrom('b')] });
    },
    ['x: /b'],
  ],
  [
    'a branch of a repo that is pinned is none',
    (world: World) => {
      const pin = world.repo('a').tip('main');
      world.config.commit('main', {}, { apps: [appFrom('a', { gitCommit: pin }), appFrom('b')] });
      withBranch(world);
    },
    [],
  ],
  [
    'a branch of a repo that only prod pins is one',
    (world: World) => {
      const pin = world.repo('a').tip('main');
      world.config.commit('main', {}, { apps: [appFrom('a', { gitCommit: pin, promote: 'pinned' })] });
      withBranch(world);
    },
    ['x: /a'],
  ],
  [
    'a branch of a repo that nothing on main comes from is none',
    (world: World) => {
      world.repo('c').commit('main', { '': 'c 1' });
      world.watched.add(urlOf('c'));
      withBranch(world, 'x', 'c');
    },
    [],
  ],
  [
    'a branch whose name every object has is like any other',
    (world: World) => {
      for (const branch of ['constructor', '__proto__']) withBranch(world, branch);
    },
    ['proto-9b9b3c05: /a', 'constructor: /a'],
  ],
] as const) {
  test(`previews: ${name}`, () => {
    const world = worldWith(['a', 'b']);
    arrange(world);
    const short = told(world.previews());
    assert.deepEqual(short.map(unhashed), expected.map(unhashed));
  });
}

/** Without the hash in a label. */
function unhashed(text: string): string {
  return text.replace(/-[0-9a-f]{8}:/, '-#:');
}

/** Policy is main's. */
for (const [name, previews, expected] of [
  ['off', { branches: [] }, []],
  ['by pattern', { branches: ['feature/*'] }, ['feature/x']],
  ['all but some', { branches: ['*', '!feature/*'] }, ['x']],
] as const) {
  test(`previews() on main: ${name}`, () => {
    const world = withBranch(withBranch(worldWith(['a'], { previews })), 'feature/x');
    assert.deepEqual(
      world.previews().map(({ identity }) => identity),
      expected.map((branch) => `branch:${branch}`),
    );
  });
}

test('what a branch says of previews() and release() has no effect', () => {
  const world = worldWith(['a'], { previews: { branches: ['y'] } });
  withBranch(world)
    .config.branch('x')
    .commit('x', {}, { apps: [appFrom('a')], previews: { branches: ['*'] }, release: { atomic: false } });
  const desired = world.desired();
  assert.deepEqual([told(world.previews()), desired.atomic], [[], true]);
});

test('a branch that was there when its repo was first seen has a preview once it moves, or is made anew', () => {
  const world = withBranch(withBranch(withBranch(worldWith(['a', 'b'])), 'y'), 'z');
  world.firstSeen();
  assert.deepEqual(told(world.previews()), []);
  world.repo('a').commit('x', { '': 'moved' });
  assert.deepEqual(told(world.previews()), ['x: /a']);
  withBranch(world, 'z', 'b');
  assert.deepEqual(told(world.previews()), ['x: /a', 'z: /a /b']);
});

test('a preview that is there stays when its branch goes back to where it was when the repo was first seen', () => {
  const world = withBranch(worldWith(['a']));
  const first = world.repo('a').tip('x');
  world.firstSeen();
  world.repo('a').commit('x', { '': 'moved' });
  world.settle();
  world.repo('a').branches.set('x', first);
  assert.deepEqual(told(world.settle().environments.filter(({ kind }) => kind === 'preview')), ['x: /a']);
});

test('a preview says where it comes from: the newest commit of each repo, and one of them as its cause', () => {
  const world = withBranch(worldWith(['a', 'b']));
  const source = world.repo('a').tip('x');
  const [fromSource] = world.previews();
  assert.deepEqual(fromSource?.heads, { [urlOf('a')]: source });
  assert.deepEqual(fromSource?.cause, {
    kind: 'commit',
    repo: urlOf('a'),
    ref: 'x',
    commit: source,
    author: 'dev@example.com',
    pull: null,
  });
  const config = world.config
    .branch('x')
    .commit('x', {}, { apps: [appFrom('a', { params: { A: '1' } }), appFrom('b')] });
  const [joined] = world.previews();
  assert.deepEqual(joined?.heads, { [urlOf('a')]: source, [CONFIG_REPO]: config });
  assert.deepEqual([joined?.cause?.kind === 'commit' && joined.cause.commit, joined?.goodConfig], [config, config]);
});

test('a preview was last wanted when one of its branches moved', () => {
  const world = previewed();
  const at = world.at;
  world.pass(60_000);
  world.settle();
  assert.equal(world.previews()[0]?.activeAt, at);
  world.repo('a').commit('x', { '': 'moved' });
  assert.equal(world.settle().environments.at(-1)?.activeAt, at + 60_000);
});

test('that is when it was seen to have moved, however long it takes until it is known what is there', () => {
  const world = withBranch(worldWith(['a', 'b']));
  const at = world.at;
  world.isKnown = () => false;
  world.settle();
  world.pass(60_000);
  world.repo('a').branch('other').commit('other', { '': 'other' });
  world.settle();
  world.isKnown = () => true;
  world.pass(60_000);
  assert.deepEqual(
    world.previews().map(({ name, activeAt }) => [name, activeAt - at]),
    [
      ['other', 60_000],
      ['x', 0],
    ],
  );
});

test('a branch that is gone from one of its repos was not wanted by that', () => {
  const world = withBranch(withBranch(worldWith(['a', 'b'])), 'x', 'b');
  world.settle();
  const at = world.at;
  world.pass(60_000);
  world.repo('b').branches.delete('x');
  assert.deepEqual(
    world.settle().environments.flatMap(({ kind, activeAt }) => (kind === 'preview' ? [activeAt] : [])),
    [at],
  );
});

/** What ends a preview of branch `x` of `a`, and the evidence that is given. */
for (const [name, change, expected] of [
  [
    'its branch is deleted',
    (world: World) => void world.repo('a').branches.delete('x'),
    [`x: branch "x" is gone from ${urlOf('a')}`],
  ],
  [
    'its branch is merged',
    (world: World) => void world.repo('a').merge('x'),
    ['x: nothing on branch "x" differs from what it began from'],
  ],
  [
    'its branch is reset to where main is',
    (world: World) => void world.repo('a').branch('x'),
    ['x: nothing on branch "x" differs from what it began from'],
  ],
  [
    'an app follows its branch from now on',
    (world: World) => void world.config.commit('main', {}, { apps: [appFrom('a', { gitBranch: 'x' })] }),
    [`x: an app follows branch "x" of ${urlOf('a')} now`],
  ],
  [
    'main has no app of its repo any more',
    (world: World) => void world.config.commit('main', {}, { apps: [appFrom('b')] }),
    [`x: no app on main comes from ${urlOf('a')} any more`],
  ],
  [
    'previews() does not name it any more',
    (world: World) => void world.config.commit('main', {}, { apps: both, previews: { branches: ['y'] } }),
    ['x: previews() on main does not name branch "x" any more'],
  ],
  [
    'its app says previews = False',
    (world: World) => void world.config.commit('main', {}, { apps: [appFrom('a', { previews: false }), appFrom('b')] }),
    ['x: nothing on branch "x" differs from what it began from'],
  ],
] as const) {
  test(`a preview ends when ${name}`, () => {
    const world = previewed();
    change(world);
    const desired = world.settle();
    assert.deepEqual(endings(desired), expected);
    assert.deepEqual([...world.recorded.environments.keys()].sort(), ['prod', 'stage']);
    assert.ok(![...world.recorded.deployments.values()].some(({ env }) => env === 'x'));
  });
}

test('a preview of two branches is over when the last of them is gone, with the evidence of all', () => {
  const world = withBranch(withBranch(worldWith(['a', 'b'])), 'x', 'b');
  world.settle();
  world.repo('a').branches.delete('x');
  assert.deepEqual([told(world.previews()), endings(world.settle())], [['x: /b'], []]);
  world.repo('b').branches.delete('x');
  assert.deepEqual(endings(world.settle()), [`x: branch "x" is gone from ${urlOf('b')}`]);
});

/** Listings that show nothing of what they lack. */
for (const [name, shows] of [
  ['is empty', () => ({ branches: {} })],
  ['lacks the followed branch', () => ({ branches: {}, head: 'main' })],
  [
    'has another branch only',
    ({ branches }: { branches: object }) => ({ branches: { z: Object.values(branches)[0] } }),
  ],
  [
    'has a HEAD that points nowhere',
    ({ branches: { x: _, ...branches } }: { branches: Record<string, string> }) => ({ branches, head: null }),
  ],
] as const) {
  test(`nothing ends, and nothing begins, by a listing that ${name}`, () => {
    const world = previewed();
    world.repo('a').branches.delete('x');
    withBranch(world, 'y');
    world.repo('a').shows((listing) => ({ ...listing, ...(shows as (of: unknown) => object)(listing) }));
    for (let pass = 0; pass < 3; pass += 1) {
      world.pass(3_600_000);
      const desired = world.settle();
      assert.deepEqual([endings(desired), told(world.previews())], [[], ['x: /a as-is']]);
    }
    world.repo('a').shows(null);
    assert.deepEqual(
      [endings(world.settle()), told(world.previews())],
      [[`x: branch "x" is gone from ${urlOf('a')}`], ['y: /a']],
    );
  });
}

test('nothing ends when a repo was never listed, as after a start with an empty store of listings', () => {
  const world = previewed();
  world.repo('a').shows(() => null);
  assert.deepEqual([endings(world.desired()), told(world.previews())], [[], ['x: /a as-is']]);
});

test('nothing ends when the followed branch of the config repo is missing from its listing', () => {
  const world = worldWith(['a', 'b']);
  world.config.branch('x').commit('x', {}, { apps: [appFrom('a', { params: { A: '1' } }), appFrom('b')] });
  world.settle();
  world.config.shows((listing) => ({ ...listing, branches: { z: world.config.tip('x') } }));
  assert.deepEqual([endings(world.settle()), told(world.previews())], [[], ['x: /a as-is']]);
});

test('a listing that is no evidence in one repo does not hold up another', () => {
  const world = previewed();
  world.repo('a').shows((listing) => ({ ...listing, branches: {} }));
  withBranch(world, 'y', 'b');
  assert.deepEqual(told(world.previews()), ['x: /a as-is', 'y: /b']);
});

test('a branch that is made again before its preview is gone is the same preview, wanted again', () => {
  const world = previewed();
  const row = world.recorded.environments.get('x');
  assert.ok(row !== undefined);
  world.recorded.environments.set('x', { ...row, endingSince: world.at });
  world.pass(1_000);
  world.repo('a').branch('x').commit('x', { '': 'again' });
  const [preview] = world.previews();
  assert.deepEqual([told(world.previews()), preview?.identity, preview?.activeAt], [['x: /a'], 'branch:x', world.at]);
});

/** What is ending goes on ending until its branch is seen to differ: neither what is not known nor a bad listing brings it back. */
for (const [name, change, happens] of [
  [
    'it is not known where its branch parted from main',
    (world: World) => void world.repo('a').merge('x'),
    (world: World) => {
      world.isKnown = () => false;
    },
  ],
  [
    'a listing is no evidence any more',
    (world: World) => void world.repo('a').branches.delete('x'),
    (world: World) => void world.repo('a').shows((listing) => ({ ...listing, branches: {} })),
  ],
] as const) {
  test(`a preview that is ending is not opened again when ${name}`, () => {
    const world = previewed();
    change(world);
    const row = world.recorded.environments.get('x');
    assert.ok(row !== undefined);
    world.recorded.environments.set('x', { ...row, endingSince: world.at });
    assert.equal(world.desired().ended.length, 1);
    happens(world);
    assert.deepEqual(told(world.previews()), []);
  });
}
