import type { Player } from './player.ts';
import type { SimApp } from './sim-config.ts';
import { treeIdOf } from './sim-git.ts';
import { POLL_MS } from './sim-settings.ts';
import type { SimWorld } from './sim-world.ts';

/** What may hang for one app. */
const STUCK = ['build', 'start', 'probe', 'listing'] as const;

/** How long a good change may take from push to live, seen by polling: one poll, and what building, starting and verifying take here, in stage and then in production, with what is stubborn stopped first. */
const LIVE_WITHIN_MS = POLL_MS + 40_000;
/** How long the instance before may stay when no request is on it. */
const GONE_WITHIN_MS = 5_000;

/** One stuck app never delays another: while one hangs, a change of another goes live in its time, and what it replaced goes. */
export async function judgeIndependence(world: SimWorld, player: Player): Promise<void> {
  const kind = STUCK[Math.abs(world.seed) % STUCK.length] ?? 'build';
  const sourced = (world.judge.model.config?.apps ?? []).filter((app) => app.spec !== 'proxy' && app.repo !== '');
  const apps = sourced.filter(({ pin }) => pin === null);
  const busy = new Set<string>(
    [...world.recorded.deployments.values()].flatMap(({ app, next }) => (next === null ? [] : [app])),
  );
  // What waits for others of a release that is stuck already waits whatever happens, and so do those that change with it.
  const isFree = (app: SimApp) => !sourced.some((one) => !isApart(one, app, 'build') && busy.has(one.id));
  const good = apps.filter((app) => world.judge.model.folderOf(app) !== undefined && isFree(app));
  // What a preview of it is made from may be what another app is made from.
  const isPreviewed = (app: SimApp) =>
    [...world.recorded.deployments.values()].some(
      (row) => row.app === app.id && row.env !== 'prod' && row.env !== 'stage',
    );
  const stuck = good.find((app) => app.spec === 'procfile' && app.verify && !isPreviewed(app));
  const other = good.find((app) => stuck !== undefined && isApart(app, stuck, kind));
  if (stuck === undefined || other === undefined) return;
  world.count(`stuck: ${kind}`);
  world.tell(`  ${kind} of ${stuck.id} hangs; a change of ${other.id} is pushed`);
  if (kind === 'listing') repoOf(world, stuck).fault = { kind: 'hangs', until: world.clock.now() + 600_000 };
  else world.stuck = { app: stuck.id, method: kind };
  player.push(repoOf(world, stuck), stuck.folder, 'ok', 'given');
  await world.clock.advance(2_000);
  player.push(repoOf(world, other), other.folder, 'ok', 'lost');
  await world.clock.advance(LIVE_WITHIN_MS);
  judgeOther(world, other, `while ${kind} of ${stuck.id} hangs`);
  await world.clock.advance(GONE_WITHIN_MS);
  judgePredecessor(world, other);
  world.heal();
}

function judgeOther(world: SimWorld, other: SimApp, when: string): void {
  const row = rowOf(world, other);
  const folder = world.judge.model.folderOf(other);
  const isLive = folder !== undefined && row?.live?.target.inputs.tree === treeIdOf(folder);
  if (!isLive) world.judge.violation(`${other.id}: is ${row?.next?.state ?? 'not there'} ${when}`);
}

function judgePredecessor(world: SimWorld, app: SimApp): void {
  const live = rowOf(world, app)?.live?.instance;
  const left = [...world.engine.instances].filter(
    ([id, { request }]) => request.app === app.id && request.env === 'prod' && id !== live,
  );
  const busy = left.some(([id]) => (world.gateway.inFlight.get(id) ?? 0) > 0);
  if (left.length > 0 && !busy) world.judge.violation(`${app.id}: ${left[0]?.[0]} is still there with nothing on it`);
}

function rowOf(world: SimWorld, app: SimApp) {
  return world.recorded.deployments.get(`prod ${app.id}`);
}

function repoOf(world: SimWorld, app: SimApp) {
  return world.sources.find(({ url }) => url === app.repo) ?? world.config;
}

function isApart(app: SimApp, stuck: SimApp, kind: (typeof STUCK)[number]): boolean {
  return kind === 'listing' ? app.repo !== stuck.repo : app.repo !== stuck.repo || app.folder !== stuck.folder;
}
