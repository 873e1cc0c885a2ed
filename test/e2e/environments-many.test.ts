import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Status } from '../../src/model/surface.ts';
import { staticApp } from './support/apps.ts';
import { eventually } from './support/eventually.ts';
import {
  countAsked,
  countTold,
  declareMany,
  deleteBranches,
  makeBranches,
  moveBranch,
  tallyPreviews,
  watchUp,
} from './support/many-branches.ts';
import { hostOf, Team } from './support/team.ts';

const REPOS = 4;
const BRANCHES_EACH = 10;
const MAX = 5;
const COUNT = REPOS * BRANCHES_EACH;
/** Of the source repos and the config repo. */
const LISTINGS = REPOS + 1;

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
  // A look that is still under way would see some of the branches, and the next one the others as newer ones.
  await team.firstLook();
  await settledWith(team, () => true);
  const branchesOf = (name: string) => Array.from({ length: BRANCHES_EACH }, (_, at) => `${name}-b${at}`);
  const head = await team.newest();

  await t.test('all are known, few are up, and they stay so', async (t) => {
    for (const name of names) await makeBranches((await installation.repo(name)).bare, branchesOf(name));
    const [asked, began] = [server.requests().length, performance.now()];
    const watch = watchUp(join(installation.data, 'mainspring.db'));
    await team.hint();
    const status = await settledWith(team, (now) => tallyPreviews(now).up + tallyPreviews(now).parked === COUNT);
    const { looks, ...most } = await watch.stop();
    assert.deepEqual(tallyPreviews(status), { up: MAX, live: MAX, parked: COUNT - MAX, explained: COUNT - MAX });
    assert.ok(most.recorded <= MAX && most.serving <= MAX, JSON.stringify(most));
    const { listings, fetches, requests } = countAsked(server.requests(), asked);
    t.diagnostic(
      `${Math.round(performance.now() - began)} ms, ${looks} looks, ${listings} listings, ${fetches} fetches, ${requests} requests`,
    );
    // Besides the listings each branch once, and of each repo a few times its history: three times where nothing else runs, and at
    // most for every second branch where files come in slowly.
    assert.ok(fetches <= COUNT + COUNT / 2, `${fetches} fetches`);
    const told = countTold((await installation.audit()).filter(({ id }) => id > head));
    assert.deepEqual(told, { opened: MAX, openedParked: COUNT - MAX, parked: 0, unparked: 0, built: MAX });
    for (const { name, parked } of status.environments.filter(({ kind }) => kind === 'preview')) {
      const { status: answer } = await installation.get(`/${name.replace(/-b\d+$/, '')}/`, hostOf(name));
      assert.equal(answer, parked ? 404 : 200, name);
    }
  });

  await t.test('a look that finds nothing new asks for the refs of each repo once, and for nothing else', async () => {
    const [asked, newest] = [server.requests().length, await team.newest()];
    await team.hint();
    const isOver = () => countAsked(server.requests(), asked).listings >= LISTINGS || undefined;
    await eventually(isOver, { within: 60_000, what: 'listings' });
    await settledWith(team, () => true);
    const once = { listings: LISTINGS, fetches: 0, requests: LISTINGS };
    assert.deepEqual(countAsked(server.requests(), asked), once);
    assert.equal(await team.newest(), newest);
  });

  await t.test('one that is pushed to is back, for the one that was idle for longest', async () => {
    const newest = await team.newest();
    const before = (await installation.status()).environments.filter(({ kind }) => kind === 'preview');
    const parked = before.find((one) => one.parked)?.name ?? '';
    const name = parked.replace(/-b\d+$/, '');
    await moveBranch((await installation.repo(name)).bare, parked, 'again\n');
    const asked = server.requests().length;
    await team.hint();
    const status = await settledWith(team, ({ environments }) =>
      environments.some((one) => one.name === parked && !one.parked && one.deployments[0]?.live != null),
    );
    assert.deepEqual(tallyPreviews(status), { up: MAX, live: MAX, parked: COUNT - MAX, explained: COUNT - MAX });
    assert.equal((await installation.get(`/${name}/`, hostOf(parked))).body, 'again\n');
    assert.equal((await installation.get(`/${name}/`)).body, `${name}\n`);
    const told = countTold((await installation.audit()).filter(({ id }) => id > newest));
    assert.deepEqual(told, { opened: 0, openedParked: 0, parked: 1, unparked: 1, built: 1 });
    // Besides the listings its history and its files.
    const { fetches } = countAsked(server.requests(), asked);
    assert.ok(fetches <= 2, `${fetches} fetches`);
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
