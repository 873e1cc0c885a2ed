import { canonicalJson } from '../../src/model/canonical.ts';
import { branchLabel } from '../../src/model/environment.ts';
import { BOUNDARIES } from '../../src/reconcile/boundaries.ts';
import { BRANCHES } from './branch-player.ts';
import { judgeIndependence } from './independence.ts';
import { Player } from './player.ts';
import { RETAIN_MS } from './sim-settings.ts';
import type { SimWorld } from './sim-world.ts';

const MAX_POKES = 4;
const EFFECTS = ['start', 'pause', 'stop', 'build', 'remove', 'removeArtifact', 'removeData'] as const;

/**
 * Lets everything come to rest, and judges what is there; then while one app is stuck, after the time of retention, and after
 * one more restart. Where a promise was broken; null if none was.
 */
export async function comeToRest(world: SimWorld): Promise<string | null> {
  const { judge } = world;
  const player = new Player(world);
  world.heal();
  for (const repo of world.sources) if (!repo.branches.has('main')) player.restoreBranch(repo);
  const phases: readonly (readonly [string, () => Promise<void>])[] = [
    ['rest', () => settleAndJudge(world, player)],
    ['the log at rest', async () => judge.onLog()],
    ['one app stuck', () => judgeIndependence(world, player)],
    ['rest after one app was stuck', () => settleAndJudge(world, player)],
    ['rest after the time of retention', () => judgeRetention(world)],
    ['what is asleep is asked for', () => judgeWaking(world, player)],
    ['a restart at rest', () => judgeRestart(world)],
  ];
  for (const [name, phase] of phases) {
    world.tell(`${name}:`);
    await phase();
    if (judge.violations.length > 0) return name;
  }
  return null;
}

async function settleAndJudge(world: SimWorld, player: Player): Promise<void> {
  for (let poke = 0; ; poke++) {
    if (!(await comesToRest(world))) {
      world.judge.violation(`never comes to rest: ${underWay(world).slice(0, 5).join('; ')}`);
      return;
    }
    const good = goodAndQuarantined(world);
    if (good.length === 0) break;
    if (poke === MAX_POKES) {
      world.judge.violation(`${namesOf(good)}: good, pushed again and again, and quarantined each time`);
      return;
    }
    pushAgain(world, player, good);
  }
  world.judge.atRest();
}

/** Boundaries that are seldom reached before there is rest. */
const LATE = BOUNDARIES.filter((name) => /^(collect|purge|orphan):/.test(name));

/** All that is retained is over by then. */
const RETAINED_MS = RETAIN_MS * 1.1;

async function judgeRetention(world: SimWorld): Promise<void> {
  await pastParking(world, RETAINED_MS);
  world.trap = { boundary: LATE[Math.abs(world.seed) % LATE.length] ?? '', after: 1 };
  world.stray('instance');
  world.engine.publish({ kind: 'gap' });
  const before = world.recorded.deployments.size;
  await world.clock.advance(RETAINED_MS);
  // What a preview holds only because of what was known before a restart may end by that: what it ran is retained from then on.
  if (world.recorded.deployments.size < before) await world.clock.advance(RETAINED_MS);
  world.judge.atRest();
  world.judge.afterRetention();
}

/** Waits until no preview was parked for being idle lately, or will be soon: what it ran is retained from then on. */
async function pastParking({ clock, judge }: SimWorld, ms: number): Promise<void> {
  while (judge.model.previews.parksBetween(clock.now() - ms, clock.now() + ms)) await clock.advance(ms / 2);
}

/** Whoever asks for what is asleep or parked is served, and what nobody asks for any more sleeps again. */
async function judgeWaking(world: SimWorld, player: Player): Promise<void> {
  await world.judge.wakeAll();
  await world.judge.callParked();
  await world.clock.advance(ASLEEP_MS);
  await settleAndJudge(world, player);
}

/** Nothing that may sleep is awake for longer, with nobody there to use it. */
const ASLEEP_MS = 1_900_000;

/** How long a restart is looked at. */
const AWAY_MS = 90_000;

/** A restart at rest changes nothing: nothing is started, stopped or built. */
async function judgeRestart(world: SimWorld): Promise<void> {
  const { judge, engine } = world;
  // What is parked while it is away is parked because of the time, not of the restart.
  await pastParking(world, 2 * AWAY_MS);
  const seen = () => ({
    exists: canonicalJson(engine.inventory() as never),
    calls: EFFECTS.map((method) => `${method} ${engine.calls[method] ?? 0}`).join(', '),
    recorded: canonicalJson([...world.recorded.deployments].sort(([a], [b]) => (a < b ? -1 : 1)) as never),
  });
  const before = seen();
  world.crash();
  await world.clock.advance(AWAY_MS);
  const after = seen();
  if (after.exists !== before.exists) judge.violation('a restart changed what exists');
  if (after.calls !== before.calls)
    judge.violation(`a restart made an engine do something: ${before.calls} → ${after.calls}`);
  if (after.recorded !== before.recorded) judge.violation('a restart changed what is recorded');
  judge.atRest();
  judge.onLog();
}

const ROUND_MS = 40_000;
/** Rounds that together are longer than a poll: what was decided by what went live meanwhile comes up at the next one. */
const QUIET_ROUNDS = 3;

/** Waits until nothing is under way any more, for longer than a poll; false if that never happens. */
async function comesToRest(world: SimWorld): Promise<boolean> {
  let quiet = 0;
  for (let round = 0; round < 60; round++) {
    await world.clock.advance(ROUND_MS);
    quiet = underWay(world).length === 0 ? quiet + 1 : 0;
    if (quiet >= QUIET_ROUNDS) return true;
  }
  return false;
}

/** Everything that is not settled. */
function underWay({ recorded, reconciler, config }: SimWorld): string[] {
  const found: string[] = reconciler.isPassing ? ['a pass'] : [];
  const tip = config.branches.get('main') ?? null;
  if (recorded.config.seen !== tip) found.push(`the config is not at ${tip}`);
  // After a start nothing is known before what was accepted is evaluated again.
  if ((reconciler.snapshot().config?.commit ?? null) !== recorded.config.accepted)
    found.push('the config is being evaluated');
  const settled = new Set(['held', 'quarantined']);
  for (const { app, next } of recorded.deployments.values()) {
    // A deployment without a target waits for its source: nothing is under way.
    const waits = next !== null && next.target === null && next.state !== 'removing';
    if (next !== null && !settled.has(next.state) && !waits) found.push(`${app} is ${next.state}`);
  }
  for (const { name, endingSince } of recorded.environments.values())
    if (endingSince !== null) found.push(`${name} is ending`);
  for (const { id, state } of recorded.instances.values())
    if (state !== 'running' && state !== 'paused' && state !== 'stopped') found.push(`${id} is ${state}`);
  for (const { key, state } of recorded.artifacts.values())
    if (state !== 'built' && state !== 'failed') found.push(`artifact ${key} is ${state}`);
  for (const { repo, error } of recorded.repos.values())
    if (error !== null && error.code !== 'git-path-missing' && error.code !== 'git-ref-missing')
      found.push(`${repo}: ${error.message}`);
  return found;
}

/** A deployment that is quarantined although nothing is wrong with what was pushed: faults may have done that. */
interface Unlucky {
  readonly env: string;
  readonly app: string;
}

function goodAndQuarantined({ recorded, judge }: SimWorld): Unlucky[] {
  return judge.model.places().flatMap(({ env, wanted }) =>
    wanted.flatMap(({ app, folder }): Unlucky[] => {
      const row = recorded.deployments.get(`${env} ${app.id}`);
      const isUnlucky = row?.next?.state === 'quarantined' && folder !== undefined && !judge.model.isSick(app, folder);
      return isUnlucky ? [{ env, app: app.id }] : [];
    }),
  );
}

/** Somebody pushes a change of apps that are quarantined: then they are tried again. */
function pushAgain(world: SimWorld, player: Player, unlucky: readonly Unlucky[]): void {
  const { config } = world;
  world.tell(`  ${namesOf(unlucky)}: good and quarantined, so somebody pushes a change`);
  for (const branch of ['main', ...BRANCHES]) {
    const env = branch === 'main' ? null : branchLabel(branch);
    const commit = branch === 'main' ? world.judge.model.accepted : (config.branches.get(branch) ?? null);
    const found = world.configAt(commit);
    if (found === null) continue;
    // A branch that only source repos have goes by main's config.
    const ids = unlucky.filter((one) => one.env === env || (env === null && !isOfConfigBranch(world, one.env)));
    if (ids.length === 0) continue;
    const isMeant = (id: string) => ids.some(({ app }) => app === id);
    const apps = found.apps.map((app) => (isMeant(app.id) ? { ...app, timeoutMs: app.timeoutMs + 1 } : app));
    // What is broken is not looked at: a change of it is none.
    player.pushConfig({ ...found, broken: false, apps }, 'given', branch);
  }
}

function isOfConfigBranch({ config }: SimWorld, env: string): boolean {
  return BRANCHES.some((branch) => branchLabel(branch) === env && config.branches.has(branch));
}

function namesOf(unlucky: readonly Unlucky[]): string {
  return unlucky.map(({ env, app }) => `${app} in ${env}`).join(', ');
}
