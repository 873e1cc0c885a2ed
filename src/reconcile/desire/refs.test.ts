import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appFrom, urlOf } from '../../../test/support/branches.ts';
import { commitId } from '../../../test/support/declarations.ts';
import type { RefListing } from '../../model/source.ts';
import { matchesPolicy, refsOf } from './refs.ts';

/** Which branches a list of patterns names. */
for (const [name, patterns, fits, others] of [
  ['* names every branch, with slashes too', ['*'], ['x', 'feature/x', 'a/b/c', 'größe'], []],
  ['no pattern names none', [], [], ['x', 'main']],
  ['a name is only itself', ['x'], ['x'], ['xx', 'X', 'a/x', 'x/a']],
  ['feature/* is what is below', ['feature/*'], ['feature/x', 'feature/a/b', 'feature/'], ['feature', 'a/feature/x']],
  ['? is one character of any kind', ['v?'], ['v1', 'v/', 'vé', 'v🚀'], ['v', 'v12']],
  [
    'what regular expressions make of a dot is a dot here',
    ['v1.0', 'a+', '(b)'],
    ['v1.0', 'a+', '(b)'],
    ['v1x0', 'aa', 'b'],
  ],
  ['one of several is enough', ['a', 'b*'], ['a', 'b', 'bc'], ['c']],
  ['! leaves out', ['*', '!dependabot/*'], ['x', 'dependabot'], ['dependabot/npm']],
  ['the last one that fits decides', ['*', '!tmp/*', 'tmp/show'], ['tmp/show'], ['tmp/x']],
  ['only exceptions name nothing', ['!x'], [], ['x', 'y']],
] as const) {
  test(`branch patterns: ${name}`, () => {
    assert.deepEqual(
      [...fits, ...others].filter((branch) => matchesPolicy(branch, patterns)),
      fits,
    );
  });
}

const listing = (branches: readonly string[], head: string | null = 'main'): RefListing => ({
  repo: urlOf('a'),
  asOf: 0,
  head,
  branches: Object.fromEntries(branches.map((branch) => [branch, commitId('1')])),
});

const pinned = appFrom('a', { gitCommit: commitId('9') });

/** What a listing of repo `a` shows, by the apps that come from it: the followed branches, and whether it is evidence. */
for (const [name, seen, apps, followed, isEvidence] of [
  ['one that has the followed branch', listing(['main', 'x']), [appFrom('a')], ['main'], true],
  ['an empty one', listing([]), [appFrom('a')], ['main'], false],
  ['one without what HEAD points to, which an app follows', listing(['x']), [appFrom('a')], ['main'], false],
  ['one whose HEAD points nowhere, which an app follows', listing(['x'], null), [appFrom('a')], [], false],
  ['one without a branch that an app names', listing(['main']), [appFrom('a', { gitBranch: 'rel' })], ['rel'], false],
  [
    'one without HEAD, if all apps name their branch',
    listing(['rel'], null),
    [appFrom('a', { gitBranch: 'rel' })],
    ['rel'],
    true,
  ],
  ['one of a repo that is only pinned', listing(['x']), [pinned], [], true],
  [
    'one of a repo that stage follows and prod pins',
    listing(['x']),
    [{ ...pinned, promote: 'pinned' as const }],
    ['main'],
    false,
  ],
  [
    'one that lacks one of two',
    listing(['main']),
    [appFrom('a'), appFrom('a', { gitBranch: 'rel' })],
    ['main', 'rel'],
    false,
  ],
  ['none', null, [appFrom('a', { gitBranch: 'rel' })], ['rel'], false],
  // Names that every JavaScript object has.
  [
    'one without a branch called constructor',
    listing(['main']),
    [appFrom('a', { gitBranch: 'constructor' })],
    ['constructor'],
    false,
  ],
] as const) {
  test(`a listing ${isEvidence ? 'is' : 'is no'} evidence: ${name}`, () => {
    const state = { repo: urlOf('a'), listing: seen, error: null, baseline: null, movedAt: {} };
    const refs = refsOf({ repo: urlOf('a'), auth: null }, state, apps);
    assert.deepEqual([[...refs.followed], refs.listing !== null], [followed, isEvidence]);
  });
}
