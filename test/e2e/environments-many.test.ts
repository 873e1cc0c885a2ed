import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Status } from '../../src/model/surface.ts';
import { staticApp } from './support/apps.ts';
import { eventually } from './support/eventually.ts';
import { countAsked, declareMany, deleteBranches, makeBranches, tallyPreviews } from './support/many-branches.ts';
import { hostOf, Team } from './support/team.ts';

const REPOS = 4;
const BRANCHES_EACH = 10;
const MAX = 5;
const COUNT = REPOS * BRANCHES_EACH;

test('of many branches at once no more than "max" are up, and the others say that they are parked', async (t) => {
  const names = Array.from({ length: REPOS }, (_, at) => `app-${at}`);
  const team = await Team.create(
    t,
    (url) => ({ 'apps.star': declareMany(names.map(url), MAX) }),
    // By hint alone, so that what is asked of the server can be counted.
    { settings: { pollInterval: '1h', process: 'off' } },
  );
  const { installation, server } = team;
  for (const name of names) await installation.push(name, staticApp(name));
  await team.serve();
  await team.hint();
  await settledWith(team, () => true);
  const branchesOf = (name: string) => Array.from({ length: BRANCHES_EACH }, (_, at) => `${name}-b${at}`);
  const head = await team.newest();

  await t.test('all are known, few are up', async (t) => {
    for (const name of names) await makeBranches((await installation.repo(name)).bare, branchesOf(name));
    const [asked, began] = [server.requests().length, performance.now()];
    await team.hint();
    const status = await settledWith(team, (now) => tallyPreviews(now).up + tallyPreviews(now).parked === COUNT);
    assert.deepEqual(tallyPreviews(status), { up: MAX, live: MAX, parked: COUNT - MAX, explained: COUNT - MAX });
    const built = await team.audit(['artifact.built'], head);
    const { announcements, others } = countAsked(server.requests(), asked);
    t.diagnostic(
      `${Math.round(performance.now() - began)} ms, ${announcements} announcements, ${others} other requests, ${built.length} builds`,
    );
    // Repos are listed side by side: what the first ones brought may be up for a moment. What was parked at once is never built.
    assert.ok(built.length < COUNT, `${built.length} builds`);
  });

  await t.test('one that is pushed to is back, for the one that was idle for longest', async () => {
    const before = (await installation.status()).environments.filter(({ kind }) => kind === 'preview');
    const parked = before.find((one) => one.parked)?.name ?? '';
    const name = parked.replace(/-b\d+$/, '');
    await makeBranches((await installation.repo(name)).bare, ['temporary']);
    const { gitBare } = await installation.repo(name);
    const commit = await gitBare('commit-tree', '-p', parked, '-m', 'again', `temporary^{tree}`);
    await gitBare('update-ref', `refs/heads/${parked}`, commit);
    await gitBare('update-ref', '-d', 'refs/heads/temporary');
    await team.hint();
    const status = await settledWith(team, ({ environments }) =>
      environments.some((one) => one.name === parked && !one.parked && one.deployments[0]?.live != null),
    );
    assert.deepEqual(tallyPreviews(status), { up: MAX, live: MAX, parked: COUNT - MAX, explained: COUNT - MAX });
    assert.equal((await installation.get(`/${name}/`, hostOf(parked))).body, 'temporary\n');
    assert.equal((await installation.get(`/${name}/`)).body, `${name}\n`);
  });

  await t.test('with their branches gone, all are gone', async () => {
    for (const name of names) await deleteBranches((await installation.repo(name)).bare, branchesOf(name));
    await team.hint();
    const status = await settledWith(team, ({ environments }) => environments.every(({ kind }) => kind !== 'preview'));
    assert.deepEqual(
      status.environments.map(({ name }) => name),
      ['prod', 'stage'],
    );
    const ended = await team.audit(['environment.opened', 'environment.removed'], head);
    assert.equal(ended.length, 2 * COUNT);
  });
});

/** Waits until a status is as it should be, and all has come to rest. */
function settledWith(team: Team, isAsWanted: (status: Status) => boolean): Promise<Status> {
  let last: Status | null = null;
  return eventually(
    async () => {
      last = await team.installation.status();
      return last.settled && isAsWanted(last) ? last : undefined;
    },
    { within: 120_000, what: () => `rest: ${JSON.stringify(last)?.slice(0, 4000)}` },
  );
}
