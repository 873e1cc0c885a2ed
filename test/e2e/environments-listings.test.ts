import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { test } from 'node:test';
import { eventually } from './support/eventually.ts';
import { type Inventory, takeInventory } from './support/inventory.ts';
import { leftovers } from './support/leftovers.ts';
import { NONCE_BUILD, nonceApp, readSaid } from './support/nonce-app.ts';
import { hostOf, Team } from './support/team.ts';
import { startWatch } from './support/watch.ts';

type Intercept = (request: IncomingMessage, response: ServerResponse) => boolean;

/** How many listings of a repo have to go wrong before it is judged what that did. */
const BAD_LISTINGS = 3;
const GIT_TIMES_MS = 90_000;

/** What can be wrong with a server for a while, until what it returns is called. */
const FAULTS: Record<string, (team: Team, broken: Broken) => Promise<() => Promise<unknown>>> = {
  'fails with 503': async (_team, broken) =>
    broken.by((_request, response) => {
      response.writeHead(503).end('later');
      return true;
    }),
  'breaks the connection': async (_team, broken) =>
    broken.by((request) => {
      request.socket.destroy();
      return true;
    }),
  'hangs for ever': async (_team, broken) => {
    const held: ServerResponse[] = [];
    const end = broken.by((_request, response) => held.push(response) > 0);
    return async () => {
      await end();
      for (const response of held) response.destroy();
    };
  },
  'says that there is no branch at all': (team) => hide(team, ['a', 'b']),
  'lacks the branch that is followed': (team) => hide(team, ['a']),
};

/** Takes branches away from the repo; what it gives brings them back. While main is gone no listing says anything of another. */
async function hide(team: Team, others: readonly string[]): Promise<() => Promise<void>> {
  const { gitBare } = await team.installation.repo('work');
  const refs = ['main', ...others].map((branch) => `refs/heads/${branch}`);
  const commits = await Promise.all(refs.map((ref) => gitBare('rev-parse', ref)));
  for (const ref of refs) await gitBare('update-ref', '-d', ref);
  return async () => {
    for (const [at, ref] of [...refs.entries()].reverse()) await gitBare('update-ref', ref, commits[at] ?? '');
  };
}

/** Answers requests for one repo in a way of its own, as long as it is told to. */
class Broken {
  #intercept: Intercept | null = null;
  /** Requests so far. */
  asked = 0;

  readonly intercept: Intercept = (request, response) => {
    if (!(request.url ?? '').startsWith('/work.git/')) return false;
    this.asked += 1;
    return this.#intercept?.(request, response) ?? false;
  };

  by(intercept: Intercept): () => Promise<void> {
    this.#intercept = intercept;
    return async () => {
      this.#intercept = null;
    };
  }
}

test('a server that does not say what there is takes no preview away, and is told of once', async (t) => {
  const broken = new Broken();
  const team = await Team.create(
    t,
    (url) => ({ 'apps.star': `app("/work", "${url('work')}", ${NONCE_BUILD})\n` }),
    // Only the poll looks: it has to get by without any hint.
    { intercept: broken.intercept, settings: { pollInterval: '300ms' } },
  );
  const { installation } = team;
  await installation.push('work', nonceApp('work 1'));
  await team.serve();
  await team.untilSays('/work', 'prod', 'work 1');
  await team.settled();
  const undisturbed = await inventory(team);
  for (const branch of ['a', 'b']) await team.pushTo('work', branch, nonceApp(`work ${branch}`));
  for (const branch of ['a', 'b']) await team.untilSays('/work', branch, `work ${branch}`);
  await team.settled();
  const withPreviews = await inventory(team);
  const watches = ['prod', 'a', 'b'].map((env) => {
    const read = (body: string) => readSaid(body)?.nonce ?? body;
    return startWatch(t, { port: installation.port, host: hostOf(env), path: '/work/', read });
  });

  for (const [what, begin] of Object.entries(FAULTS)) {
    await t.test(`one that ${what}`, async (t) => {
      const before = await team.newest();
      const { asked } = broken;
      const end = await begin(team, broken);
      const [first] = await eventually(
        async () => {
          const told = await team.audit(['source.stale'], before);
          return told.length > 0 ? told : undefined;
        },
        { within: GIT_TIMES_MS, what: `a word about a server that ${what}` },
      );
      // One at a time: when a further one begins, what followed from those before is over. One that hangs is given its time again and
      // again, and was told of when that was over: once is enough to wait for here.
      const most = what.startsWith('hangs') ? 1 : BAD_LISTINGS + 1;
      // The first one may be two requests: without what the server announced before, and then with it.
      const isEnough = () => broken.asked > asked + most || undefined;
      await eventually(isEnough, { within: GIT_TIMES_MS, what: 'further listings' });
      await end();
      await eventually(async () => ((await team.audit(['source.recovered'], before)).length > 0 ? true : undefined), {
        within: GIT_TIMES_MS,
        what: `recovery from a server that ${what}`,
      });
      await team.settled();
      t.diagnostic(`${what}: ${first?.detail.code}, ${broken.asked - asked} requests`);
      const told = (await installation.audit()).filter(({ id }) => id > before);
      assert.deepEqual(
        told.map(({ kind }) => kind),
        ['source.stale', 'source.recovered'],
      );
      assert.deepEqual(leftovers(await inventory(team), withPreviews), []);
    });
  }

  await t.test('what ran was not touched by any of it', () => {
    for (const { failures, sights } of watches) assert.deepEqual([failures, sights.length], [[], 1]);
  });

  await t.test('a branch that is really deleted is gone afterwards', async () => {
    await Promise.all(watches.map((watch) => watch.stop()));
    for (const branch of ['a', 'b']) await team.deleteBranch('work', branch);
    for (const branch of ['a', 'b']) await team.untilGone(branch);
    await team.settled();
    assert.deepEqual(leftovers(await inventory(team), undisturbed), []);
  });
});

function inventory(team: Team): Promise<Inventory> {
  return takeInventory(team.installation, ['/work']);
}
