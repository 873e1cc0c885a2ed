import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TempRepo } from '../support/git-repo.ts';
import { staticApp } from './support/apps.ts';
import { eventually } from './support/eventually.ts';
import { type Inventory, takeInventory } from './support/inventory.ts';
import { leftovers } from './support/leftovers.ts';
import { NONCE_BUILD, nonceApp, readSaid } from './support/nonce-app.ts';
import { hostOf, Team } from './support/team.ts';
import { startWatch, type Watch } from './support/watch.ts';

/** The ways in which people bring a branch to main. Each is given a work tree on main, and leaves the merge there. */
const MERGES: Record<string, (repo: TempRepo, branch: string) => Promise<unknown>> = {
  'fast-forward': ({ git }, branch) => git('merge', '-q', '--ff-only', branch),
  'merge commit': ({ git }, branch) => git('merge', '-q', '--no-ff', '-m', 'merge', branch),
  squash: async ({ git }, branch) => {
    await git('merge', '-q', '--squash', branch);
    await git('commit', '-q', '-m', 'all in one');
  },
  rebase: async ({ git }, branch) => {
    await git('rebase', '-q', 'main', branch);
    await git('switch', '-q', 'main');
    await git('merge', '-q', '--ff-only', branch);
  },
};

for (const [kind, merge] of Object.entries(MERGES)) {
  test(`a branch in two repos is one preview, and its ${kind} promotes what was previewed`, async (t) => {
    const config = (greeting: string, url: (repo: string) => string) => ({
      'apps.star': `app("/work", "${url('work')}//app", params = {"GREETING": "${greeting}"}, ${NONCE_BUILD})
app("/page", "./page")
app("/other", "${url('other')}", ${NONCE_BUILD})
`,
    });
    const team = await Team.create(t, (url) => ({ ...config('hello', url), ...staticApp('page 1', 'page/') }));
    const { installation } = team;
    await installation.push('work', nonceApp('work 1', { folder: 'app/' }));
    await installation.push('other', nonceApp('other 1'));
    await team.serve();
    const first = await team.said('/work');
    assert.deepEqual({ ...first, nonce: '' }, said('work 1', 'hello', 'prod', installation.port));
    const staged = await team.said('/work', 'stage');
    assert.deepEqual({ ...staged, nonce: '' }, said('work 1', 'hello', 'stage', installation.port));
    assert.equal(staged?.nonce, first?.nonce, 'what is staged is what is promoted');
    const before = await inventory(team);
    const work = startWatch(t, {
      port: installation.port,
      path: '/work/',
      read: (body) => JSON.stringify([readSaid(body)?.text, readSaid(body)?.greeting]),
    });
    const page = startWatch(t, { port: installation.port, path: '/page/', read: (body) => body.trim() });

    await t.test('one preview with both changes, under a host of its own', async () => {
      await team.pushTo('config', 'feature-x', { ...config('hi', team.url), ...staticApp('page 2', 'page/') });
      await team.pushTo('work', 'feature-x', nonceApp('work 2', { folder: 'app/' }));
      const began = performance.now();
      await team.hint();
      await team.untilSays('/work', 'feature-x', 'work 2');
      t.diagnostic(`${kind}: preview ${Math.round(performance.now() - began)} ms after the hint`);
      await team.settled();
      const now = await team.said('/work', 'feature-x');
      assert.deepEqual({ ...now, nonce: '' }, said('work 2', 'hi', 'feature-x', installation.port));
      assert.notEqual(now?.nonce, first?.nonce);
      assert.equal((await installation.get('/page/', hostOf('feature-x'))).body, 'page 2\n');
      assert.equal((await installation.get('/other/', hostOf('feature-x'))).status, 404, 'it differs in nothing');
      assert.equal((await team.said('/work/visit', 'feature-x'))?.visits, 1);
      assert.equal((await team.said('/work'))?.visits, 0);
      const { environments } = await installation.status();
      const found = environments.find(({ name }) => name === 'feature-x');
      assert.deepEqual(
        [found?.kind, found?.parked, found?.deployments.map(({ app }) => app)],
        ['preview', false, ['/page', '/work']],
      );
      const planned = await team.plan('feature-x');
      assert.deepEqual(
        planned.steps.map(({ env, app, build }) => [env, app, build]).sort(),
        ['prod', 'stage'].flatMap((env) => ['/page', '/work'].map((app) => [env, app, 'reuse'])),
      );
    });
    const preview = await team.said('/work', 'feature-x');
    const head = await team.newest();

    await t.test('merged, the very artifact of the preview is in production, without a build', async () => {
      // Something else lands first, so that a merge is none that could have been a fast-forward.
      if (kind !== 'fast-forward')
        for (const repo of ['config', 'work']) await installation.push(repo, { 'notes.txt': 'unrelated\n' });
      for (const name of ['work', 'config']) {
        const repo = await installation.repo(name);
        await merge(repo, 'feature-x');
        await repo.push();
      }
      const began = performance.now();
      await team.hint();
      await team.untilSays('/work', 'prod', 'work 2');
      await team.settled();
      const live = await team.said('/work');
      assert.deepEqual({ ...live, nonce: '' }, said('work 2', 'hi', 'prod', installation.port));
      assert.equal(live?.nonce, preview?.nonce, 'not built again');
      assert.equal((await installation.get('/page/')).body, 'page 2\n');
      t.diagnostic(
        `${kind}: ${await promotedAfter(work, began)} ms until the process app, ${await promotedAfter(page, began)} ms until the static one`,
      );
      assert.deepEqual(await team.audit(['artifact.built', 'artifact.failed'], head), []);
    });

    await t.test('reverted, what was there before is live again, without a build', async () => {
      work.restart();
      page.restart();
      for (const name of ['work', 'config']) {
        const repo = await installation.repo(name);
        await repo.git('revert', '--no-edit', ...(kind === 'merge commit' ? ['-m', '1'] : []), 'HEAD');
        await repo.push();
      }
      const began = performance.now();
      await team.hint();
      await team.untilSays('/work', 'prod', 'work 1');
      await team.settled();
      t.diagnostic(
        `${kind}: reverted after ${await promotedAfter(work, began)} ms (process) and ${await promotedAfter(page, began)} ms (static)`,
      );
      assert.equal((await team.said('/work'))?.nonce, first?.nonce, 'not built again');
      assert.deepEqual(await team.audit(['artifact.built', 'artifact.failed'], head), []);
    });

    await t.test('a revert of a static app alone is a switch', async () => {
      page.restart();
      const says = (text: string) =>
        eventually(() => page.sights.at(-1)?.says === text || undefined, { what: `the page says "${text}"` });
      await installation.push('config', staticApp('page 3', 'page/'));
      await team.hint();
      await says('page 3');
      await team.settled();
      await installation.config.git('revert', '--no-edit', 'HEAD');
      await installation.config.push();
      const began = performance.now();
      await team.hint();
      await says('page 1');
      await team.settled();
      t.diagnostic(`${kind}: static app reverted ${await promotedAfter(page, began)} ms after the hint`);
      assert.equal(page.sights.at(-1)?.says, 'page 1');
    });

    await t.test('with its branches gone, nothing is left of it but the log and retained artifacts', async () => {
      for (const name of ['work', 'config']) await team.deleteBranch(name, 'feature-x');
      const began = performance.now();
      await team.hint();
      await team.untilGone('feature-x');
      t.diagnostic(`${kind}: gone ${Math.round(performance.now() - began)} ms after the hint`);
      await team.settled();
      assert.equal((await installation.get('/work/', hostOf('feature-x'))).status, 404);
      await comesBackTo(team, before);
    });
    assert.deepEqual([...work.failures, ...page.failures], []);
  });
}

function said(text: string, greeting: string, env: string, port: number) {
  const url = `http://${hostOf(env)}:${port}/work`;
  return { text, nonce: '', greeting, env, path: '/work', url, visits: 0 };
}

async function promotedAfter(watch: Watch, began: number): Promise<number> {
  await watch.caughtUp();
  return Math.round((watch.sights.at(-1)?.at ?? Number.NaN) - began);
}

/** Waits until all is as it was; says what is not. */
async function comesBackTo(team: Team, before: Inventory): Promise<void> {
  let left: string[] = [];
  const look = async () => {
    left = leftovers(await inventory(team), before);
    return left.length === 0 || undefined;
  };
  await eventually(look, { within: 20_000, what: () => `nothing left: ${left.join('\n')}` });
}

/** Once the end of the first look is noted: that note is no trace of a branch. */
async function inventory(team: Team): Promise<Inventory> {
  await team.firstLook();
  return takeInventory(team.installation, ['/work', '/page', '/other']);
}

test('a branch that is given up takes nothing along that anything else uses, and leaves nothing', async (t) => {
  const team = await Team.create(t, (url) => ({
    'apps.star': `app("/work", "${url('work')}", ${NONCE_BUILD})\napp("/page", "./page")\n`,
    ...staticApp('page 1', 'page/'),
  }));
  const { installation } = team;
  await installation.push('work', nonceApp('work 1'));
  await team.serve();
  const undisturbed = await inventory(team);
  await team.pushTo('work', 'kept', nonceApp('work 2'));
  await team.hint();
  const kept = await team.untilSays('/work', 'kept', 'work 2');
  await team.said('/work/visit', 'kept');
  await team.settled();
  const withKept = await inventory(team);

  await team.pushTo('work', 'feature/Given-Üp', nonceApp('work 2'));
  await team.pushTo('config', 'feature/Given-Üp', staticApp('page 2', 'page/'));
  await team.hint();
  const { name } = await eventually(async () =>
    (await installation.status()).environments.find((one) => one.name.startsWith('feature-given-p-')),
  );
  const given = await team.untilSays('/work', name, 'work 2');
  assert.deepEqual([given.nonce, given.env], [kept.nonce, name], 'the same files, built once');
  await team.settled();
  for (const repo of ['work', 'config']) await team.deleteBranch(repo, 'feature/Given-Üp');
  await team.hint();
  await team.untilGone(name);
  await comesBackTo(team, withKept);
  assert.deepEqual(await team.said('/work', 'kept'), { ...kept, visits: 1 });

  await team.deleteBranch('work', 'kept');
  await team.hint();
  await team.untilGone('kept');
  await comesBackTo(team, undisturbed);
  const told = await team.audit(['environment.opened', 'environment.ending', 'environment.removed']);
  assert.deepEqual(
    told.map(({ kind, env }) => `${kind} ${env}`).filter((line) => !/ (prod|stage)$/.test(line)),
    ['opened kept', `opened ${name}`, `ending ${name}`, `removed ${name}`, 'ending kept', 'removed kept'].map(
      (line) => `environment.${line}`,
    ),
  );
});
