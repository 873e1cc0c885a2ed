import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditLine, PlanDocument, Status } from '../../src/model/surface.ts';
import { NONCE_BUILD, nonceApp, readSaid } from './support/nonce-app.ts';
import { Team } from './support/team.ts';
import { startWatch } from './support/watch.ts';

const APPS = ['one', 'two', 'three', 'four'];

for (const stage of ['True', 'False']) {
  const envs = stage === 'True' ? ['stage', 'prod'] : ['prod'];
  test(`what one commit changes is live together or not at all (stage = ${stage})`, async (t) => {
    const declared = APPS.map(
      (name) => `app("/${name}", "./${name}", stage = ${stage}, health = {"timeout": "1s"}, ${NONCE_BUILD})\n`,
    );
    const files = { 'apps.star': declared.join(''), ...apps(APPS, '1') };
    const team = await Team.create(t, () => files, { settings: { gateways: 2 } });
    const { installation } = team;
    const push = async (files: ReturnType<typeof apps>) => {
      await installation.push('config', files);
      await team.hint();
      return team.settled();
    };
    await team.serve();
    const watches = new Map(
      APPS.map((name) => {
        const read = (body: string) => readSaid(body)?.text ?? body;
        return [name, startWatch(t, { port: installation.port, path: `/${name}/`, read })];
      }),
    );
    const seen = async () => {
      await Promise.all([...watches.values()].map((watch) => watch.caughtUp()));
      return APPS.map((name) =>
        watches
          .get(name)
          ?.sights.map(({ says }) => says)
          .join(' '),
      );
    };
    let planned: PlanDocument;

    await t.test(
      'one of three never gets healthy: none of them switches, and the status says who blocks whom',
      async () => {
        const status = await push({ ...apps(['one', 'two'], '2'), ...apps(['three'], '2', 500) });
        assert.deepEqual(
          releasesOf(status),
          envs.map((env) => held(env, ['/one', '/three', '/two'])),
        );
        const { next } = deployment(status, envs[0] ?? '', '/one');
        assert.equal(next?.state, 'held');
        assert.match(next?.reason ?? '', /blocked by \/three/);
        assert.match(deployment(status, envs[0] ?? '', '/three').next?.reason ?? '', /health \/: not 200 within 1s/);
        if (stage === 'True')
          assert.match(
            deployment(status, 'prod', '/three').next?.reason ?? '',
            /not promoted: in stage it is quarantined/,
          );
        assert.deepEqual(
          await seen(),
          APPS.map(() => '1'),
        );
      },
    );

    await t.test('a commit that changes another one and one of these does what its plan said', async () => {
      await team.pushTo('config', 'next', apps(['two', 'four'], '3'));
      planned = await team.plan('next');
      const repo = await installation.repo('config');
      await repo.git('merge', '-q', '--ff-only', 'next');
      await repo.push();
      await team.hint();
      const status = await team.settled();
      const all = ['/four', '/one', '/three', '/two'];
      assert.deepEqual(
        releasesOf(status),
        envs.map((env) => held(env, all)),
      );
      assert.deepEqual(
        planned.releases?.map(({ env, members }) => ({ env, members })).sort(byOrder),
        releasesOf(status).map(({ env, members }) => ({ env, members })),
      );
      assert.deepEqual(
        planned.steps.toSorted(byOrder).map(({ kind, env, app, to }) => [kind, env, app, to?.artifact.key]),
        envs.flatMap((env) =>
          ['/four', '/two'].map((app) => ['update', env, app, deployment(status, env, app).next?.artifact?.key]),
        ),
      );
      assert.deepEqual(
        await seen(),
        APPS.map(() => '1'),
      );
    });

    await t.test('a fix lets all of them follow, at once', async () => {
      const before = await team.newest();
      const status = await push(apps(['three'], '4'));
      assert.deepEqual(status.releases, []);
      assert.deepEqual(await seen(), ['1 2', '1 3', '1 4', '1 3']);
      const lines = (await installation.audit()).filter(({ id }) => id > before);
      for (const env of envs) assert.deepEqual(switchesOf(lines, env), [['/four', '/one', '/three', '/two']]);
    });

    await t.test('nobody outside was ever refused', () => {
      for (const { failures } of watches.values()) assert.deepEqual(failures, []);
    });
  });
}

function apps(names: readonly string[], version: string, status = 200) {
  return Object.assign({}, ...names.map((name) => nonceApp(version, { folder: `${name}/`, status }))) as ReturnType<
    typeof nonceApp
  >;
}

/** Where a release of stage is held, all members of production's wait for stage; what counts is who it is that keeps stage. */
function releasesOf(status: Status) {
  const isWaiting = (env: string, app: string) =>
    /not promoted: .*blocked by/.test(deployment(status, env, app).next?.reason ?? '');
  return status.releases
    .map(({ env, state, members, blocked_by }) => ({
      ...{ env, state, members },
      blocked_by: blocked_by.filter((app) => !isWaiting(env, app)),
    }))
    .sort(byOrder);
}

/** Stage before production, as a plan has it. */
function byOrder(a: { env: string }, b: { env: string }): number {
  return a.env === b.env ? 0 : a.env < b.env ? 1 : -1;
}

function held(env: string, members: string[]) {
  return { env, state: 'held', members, blocked_by: ['/three'] };
}

function deployment({ environments }: Status, env: string, app: string) {
  const found = environments.find(({ name }) => name === env)?.deployments.find((one) => one.app === app);
  assert.ok(found !== undefined, `${app} in ${env}`);
  return found;
}

/** What switched with each release of an environment: the lines right before the one that says so. */
function switchesOf(lines: readonly AuditLine[], env: string): string[][] {
  return lines.flatMap((line, index) => {
    if (line.kind !== 'release.live' || line.env !== env) return [];
    const members: string[] = [];
    for (let at = index - 1; lines[at]?.kind === 'deployment.live' && lines[at]?.env === env; at -= 1)
      members.push(lines[at]?.app ?? '');
    assert.deepEqual(line.detail.members, members.toSorted());
    return [members.sort()];
  });
}
