import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CommitId } from '../../src/model/ids.ts';
import { FakeGit } from '../support/fake-git.ts';
import { access, never } from '../support/git-client.ts';
import { SimFaults } from './sim-faults.ts';
import { SimGit, SimRepo } from './sim-git.ts';

const GONE = 'f'.repeat(40) as CommitId;

function simGit(repo: SimRepo): SimGit {
  const count = () => {};
  const clock = { now: () => 0, sleep: async () => {} };
  return new SimGit(new Map([[repo.url, repo]]), { clock, latency: () => 0, faults: new SimFaults(count), count });
}

test('a simulated repo keeps histories: each push is on top of its branch, unless it says otherwise', async () => {
  const repo = new SimRepo('https://git.test/a');
  const first = repo.push({ folders: {} });
  const second = repo.push({ folders: {} });
  const topic = repo.push({ folders: {} }, 'topic', [first]);
  const further = repo.push({ folders: {} }, 'topic');
  const alone = repo.push({ folders: {} }, 'alone');
  assert.deepEqual(
    [first, second, topic, further, alone].map((commit) => repo.parentsOf.get(commit)),
    [[], [first], [first], [topic], []],
  );
  assert.deepEqual(repo.tip('topic')?.parents, [topic]);
  const git = simGit(repo);
  const base = (a: CommitId, b: CommitId) => git.mergeBase(access(repo.url), a, b, never);
  assert.equal(await base(second, further), first);
  assert.equal(await base(alone, further), null);
  await assert.rejects(base(first, GONE), { code: 'git-ref-moved' });
});

test('the same pushes give the same ids, and other parents another one', () => {
  const push = (parents?: readonly CommitId[]) =>
    new SimRepo('https://git.test/a').push({ folders: {} }, 'main', parents);
  assert.equal(push(), push([]));
  assert.notEqual(push(), push([GONE]));
});

test('the fake git finds merge bases by the parents that it is told', async () => {
  const git = new FakeGit();
  const repo = git.repo('https://git.test/a');
  const base = repo.push({ a: '1' });
  const [left, right] = [repo.push({ a: '2' }, 'left', [base]), repo.push({ a: '3' }, 'right', [base])];
  assert.equal(await git.mergeBase(access('https://git.test/a'), left, right, never), base);
  await assert.rejects(git.mergeBase(access('https://git.test/a'), left, GONE, never), { code: 'git-ref-moved' });
  assert.deepEqual(git.calls, [`mergeBase ${left} ${right}`, `mergeBase ${left} ${GONE}`]);
});
