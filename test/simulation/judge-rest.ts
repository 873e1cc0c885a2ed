import { isDeepStrictEqual } from 'node:util';
import type { ArtifactKey, InstanceId } from '../../src/model/ids.ts';
import type { RecordedDeployment } from '../../src/model/recorded.ts';
import { loadRecorded } from '../../src/store/store.ts';
import { PreviewJudge } from './judge-previews.ts';
import { idleTimesOf, type SleepJudge } from './judge-sleep.ts';
import type { Model, Wanted } from './model.ts';
import { Shadow } from './shadow.ts';
import type { SimApp } from './sim-config.ts';
import { type Folder, treeIdOf } from './sim-git.ts';
import type { SimWorld } from './sim-world.ts';
import type { Verdict } from './verdict.ts';

/** At rest, what runs, is routed, is on disk and is recorded equals what was pushed, exactly. */
export class RestJudge {
  readonly #world: SimWorld;
  readonly #model: Model;
  readonly #verdict: Verdict;
  readonly #previews: PreviewJudge;
  readonly #sleep: SleepJudge;

  constructor(world: SimWorld, model: Model, verdict: Verdict, sleep: SleepJudge) {
    this.#sleep = sleep;
    this.#world = world;
    this.#model = model;
    this.#verdict = verdict;
    this.#previews = new PreviewJudge(world, model, verdict);
  }

  atRest(): void {
    this.#followsTip();
    for (const { env, wanted } of this.#model.places()) for (const one of wanted) this.#app(env, one);
    this.#previews.atRest();
    this.#undeclared();
    this.#releases();
    this.#instances();
    this.#routes();
    this.#vacancies();
    this.#artifacts();
    this.#disk();
  }

  #followsTip(): void {
    const { recorded, config } = this.#world;
    const tip = config.branches.get('main') ?? null;
    const { accepted, errors } = recorded.config;
    if (this.#world.configAt(tip)?.broken === false)
      this.#expect(accepted === tip, () => `follows ${accepted}, although ${tip} is good and newer`);
    else this.#expect(errors.length > 0, () => 'the tip is broken and no error is shown');
  }

  #app(env: string, { app, folder }: Wanted): void {
    const row = this.#world.recorded.deployments.get(`${env} ${app.id}`);
    if (row === undefined) {
      this.#verdict.violation(`${app.id} in ${env}: is declared and not recorded`);
      return;
    }
    // What is held keeps its place unless another one that is held has taken it.
    if (row.live?.target.policy.path === app.path && row.next === null) this.#live(row);
    else if (row.live !== null) this.#goesOn(row);
    if (folder === undefined) {
      // What it was goes on: that its files are gone says nothing about what should run.
      this.#expect(row.next?.state !== 'removing', () => `${app.id}: is removed because its files are gone`);
      return;
    }
    const target = row.next === null ? row.live?.target : row.next.target;
    this.#expect(
      target != null && this.#isAsPushed(env, app, folder, target),
      () => `${app.id}: ${differences(app, target)}`,
    );
    // What was verified by other rules stays live; only what is new is verified by the new ones.
    const isSick =
      this.#model.isSick(app, folder) && !(row.live !== null && this.#isSameInstance(app, folder, row.live.target));
    const isHeld = this.#isHeldRightly(env, row);
    if (isSick)
      this.#expect(
        row.next?.state === 'quarantined' || isHeld,
        () => `${app.id} in ${env}: can't get healthy and is ${row.next?.state ?? 'live'}`,
      );
    else
      this.#expect(
        (row.next === null && row.live !== null) || isHeld,
        () => `${app.id} in ${env}: is good and is ${row.next?.state ?? 'not live'} (${row.next?.reason})`,
      );
  }

  /** Whether something else keeps it: its stage, or another one of its release. */
  #isHeldRightly(env: string, { app, next }: RecordedDeployment): boolean {
    if (next?.state !== 'held') return false;
    const { deployments } = this.#world.recorded;
    if (next.problem?.code === 'stage-failed') {
      const state = env === 'prod' ? deployments.get(`stage ${app}`)?.next?.state : undefined;
      return state === 'quarantined' || state === 'held';
    }
    return (
      next.problem?.code === 'release-blocked' && this.#members(next.release).some((other) => this.#isStuck(other))
    );
  }

  #members(release: string | null): RecordedDeployment[] {
    return [...this.#world.recorded.deployments.values()].filter(
      ({ next }) => release !== null && next?.release === release,
    );
  }

  /** Whether it is what others wait for. */
  #isStuck({ next }: RecordedDeployment): boolean {
    if (next?.target === null && !next.removes) return true;
    return next?.state === 'quarantined' || (next?.state === 'held' && next.problem?.code !== 'release-blocked');
  }

  /** A release that is there is held by one of its members; a part of it that switched left the others behind. */
  #releases(): void {
    for (const { id, state, removalHash } of this.#world.recorded.releases.values()) {
      const members = this.#members(id);
      this.#expect(members.length > 0, () => `release ${id}: has no members`);
      this.#expect(state === 'held', () => `release ${id}: is ${state} at rest`);
      this.#expect(
        members.some((member) => this.#isStuck(member)),
        () => `release ${id}: is held although none of its members is stuck`,
      );
      const brake = members.find(({ next }) => next?.brake != null)?.next?.brake ?? null;
      this.#expect(brake === removalHash, () => `release ${id}: names ${removalHash}, its members ${brake}`);
    }
  }

  #isSameInstance(app: SimApp, folder: Folder | undefined, target: Target): boolean {
    const tree = app.repo === '-' || folder === undefined ? null : treeIdOf(folder);
    const param = app.spec === 'procfile' ? target.values.params.N : app.params;
    const url = app.spec === 'proxy' ? target.values.params.url : `https://target-${app.params}.example.com`;
    return (
      target.inputs.tree === tree &&
      target.policy.path === app.path &&
      param === app.params &&
      url === `https://target-${app.params}.example.com`
    );
  }

  #isAsPushed(env: string, app: SimApp, folder: Folder | undefined, target: Target): boolean {
    const { health, idle } = target.policy;
    const isIdle = isDeepStrictEqual(idle === false ? null : idle, idleTimesOf(app, env, this.#model.config?.previews));
    const isPolicy = health.timeoutMs === app.timeoutMs && health.path === app.health && isIdle;
    return isPolicy && this.#isSameInstance(app, folder, target);
  }

  #live(row: RecordedDeployment): void {
    if (row.live === null) return;
    this.#sleep.atRest(row);
    const { instance, target, condition } = row.live;
    this.#expect(condition === null, () => `${row.app}: still has the condition ${condition?.message}`);
    if (row.live.asleep) return;
    this.#expect(
      this.#world.engine.isRunning(instance),
      () => `${row.app}: is live on ${instance}, which does not run`,
    );
    const served = this.#world.gateway.servedAt(target.policy.host, target.policy.path);
    this.#expect(
      served === instance,
      () => `${row.app}: ${target.policy.path} leads to ${served ?? 'nothing'}, not to ${instance}`,
    );
  }

  #undeclared(): void {
    const declared = new Set(
      this.#model.places().flatMap(({ env, wanted }) => wanted.map(({ app }) => `${env} ${app.id}`)),
    );
    const rows = [...this.#world.recorded.deployments.values()];
    const left = rows.filter((row) => !declared.has(`${row.env} ${row.app}`) && !this.#previews.isPardoned(row));
    const braked = left.filter((row) => row.next?.brake != null);
    const held = left.filter((row) => row.next?.brake != null || this.#isHeldRightly(row.env, row));
    this.#expect(
      left.length === held.length,
      () => `${left.map((row) => `${row.app} in ${row.env}`).join(', ')}: not declared and still there`,
    );
    // What was let through before, and waits for others of its release, counts no more.
    const isLetThrough = ({ next }: RecordedDeployment) => next?.removes === true && next.brake === null;
    const live = rows.filter((row) => row.env === 'prod' && row.live !== null && !isLetThrough(row));
    this.#expect(
      braked.length === 0 || (braked.length >= 3 && braked.length > live.length / 2),
      () => `${braked.length} of ${live.length} removals are held, which is no large share`,
    );
    for (const row of held) this.#goesOn(row);
  }

  /** What can't be replaced yet goes on, unless its place is another's by now. */
  #goesOn(row: RecordedDeployment): void {
    const live = [...this.#world.recorded.deployments.values()].filter((other) => other.live !== null);
    const place = ({ live: of }: RecordedDeployment) => `${of?.target.policy.host} ${of?.target.policy.path}`;
    const others = live.filter((other) => other !== row && place(other) === place(row));
    if (others.length === 0) {
      this.#live(row);
      return;
    }
    const { host, path } = row.live?.target.policy ?? { host: '', path: '' };
    const { gateway } = this.#world;
    const served = gateway.servedAt(host, path);
    const isServed = [row, ...others].some(({ live: of }) =>
      of?.asleep === true ? gateway.isAsleepAt(host, path) : of?.instance === served,
    );
    this.#expect(isServed, () => `${row.app}: ${path} leads to ${served ?? 'nothing'}`);
  }

  #instances(): void {
    const { recorded, engine } = this.#world;
    const live = this.#liveInstances();
    const { instances: all } = engine.inventory();
    // What failed is kept, stopped, for as long as its deployment is quarantined for it.
    const kept = new Set(
      [...recorded.deployments.values()].flatMap(({ next }) =>
        next?.state === 'quarantined' ? (next.failedInstance ?? []) : [],
      ),
    );
    const instances = all.filter(({ id, state }) => !(kept.has(id as InstanceId) && state === 'exited'));
    const extra = instances.filter(({ id }) => !live.has(id as InstanceId));
    this.#expect(
      extra.length === 0,
      () => `runs or lies about: ${extra.map(({ id, app, state }) => `${id} (${app}, ${state})`).join(', ')}`,
    );
    // Of what is asleep nothing need be left.
    const needed = [...live].filter((id) => recorded.instances.get(id)?.state !== 'stopped');
    const there = new Set(instances.map(({ id }) => id));
    const missing = needed.filter((id) => !there.has(id));
    this.#expect(missing.length === 0, () => `are live and do not exist: ${missing.join(', ')}`);
    const recordedIds = [...recorded.instances.keys()].filter((id) => !kept.has(id as InstanceId));
    this.#expect(
      recordedIds.length === live.size && recordedIds.every((id) => live.has(id as InstanceId)),
      () => `${live.size} are live, recorded are ${recordedIds.join(', ')}`,
    );
  }

  #liveInstances(): Set<InstanceId> {
    // What was verified and waits for others of its release runs on beside what is live.
    return new Set(
      [...this.#world.recorded.deployments.values()].flatMap(({ live, next }) =>
        [live?.instance, next?.state === 'held' ? next.instance : null].filter((id) => id != null),
      ),
    );
  }

  /** No place leads anywhere but those where something is live. */
  #routes(): void {
    const rows = [...this.#world.recorded.deployments.values()];
    const right = new Set(
      rows.flatMap(({ live }) =>
        live === null ? [] : [`${live.target.policy.host} ${live.target.policy.path} ${live.instance}`],
      ),
    );
    for (const { key, instance } of this.#world.gateway.served())
      this.#expect(right.has(`${key} ${instance}`), () => `${key}: still leads to ${instance}`);
  }

  /** Where an app belongs that is not live, that is said, and nowhere else; of what is parked or not known now, where it was. */
  #vacancies(): void {
    const { recorded, gateway } = this.#world;
    const said = gateway.vacancies();
    for (const { key, vacancy } of said) {
      const row = recorded.deployments.get(`${vacancy.env} ${vacancy.app}`);
      this.#expect(row?.live === null, () => `${key}: says that ${vacancy.app} is ${vacancy.why}, which is not so`);
      const { why } = vacancy;
      this.#expect(
        why === standing(row?.next),
        () => `${key}: says that ${vacancy.app} is ${why} (${row?.next?.state})`,
      );
    }
    for (const { env, app, live, next } of recorded.deployments.values()) {
      const places = said.filter(({ vacancy }) => vacancy.env === env && vacancy.app === app).map(({ key }) => key);
      // What should run where can't be said of what has no target; what is parked was somewhere.
      const isKnown = live === null && (next === null || next.target !== null);
      const place = isKnown ? this.#world.judge.placeOf({ env, app }) : undefined;
      // Of two that were parked while one was to take the other's place, one is said.
      const isTaken = said.some(({ key, vacancy }) => key === place && vacancy.env === env && vacancy.app !== app);
      if (place !== undefined && !(isTaken && places.length === 0))
        this.#expect(
          places.length === 1 && places[0] === place,
          () => `${app} in ${env}: is not live at ${place}, which is said at ${places.join(', ') || 'no place'}`,
        );
      else this.#expect(places.length <= 1, () => `${app} in ${env}: is said not to be live at ${places.join(', ')}`);
    }
  }

  /** What was built is there, and what is there was built. */
  #artifacts(): void {
    const { recorded, engine } = this.#world;
    const built = [...recorded.artifacts.values()].filter(({ state }) => state === 'built');
    const missing = built.filter(({ key }) => !engine.artifacts.has(key));
    this.#expect(missing.length === 0, () => `not there: artifact ${missing.map(({ key }) => key).join(', ')}`);
    const extra = [...engine.artifacts.keys()].filter((key) => recorded.artifacts.get(key)?.state !== 'built');
    this.#expect(extra.length === 0, () => `lies about: artifact ${extra.join(', ')}`);
  }

  /** What a controller has in memory is what is on disk. */
  #disk(): void {
    const disk = new Shadow();
    disk.load(loadRecorded(this.#world.connection));
    for (const difference of disk.differences(this.#world.recorded))
      this.#verdict.violation(`memory and disk differ: ${difference}`);
  }

  afterRetention(): void {
    const { recorded, engine } = this.#world;
    const rows = [...recorded.deployments.values()];
    const used = new Set(
      rows.flatMap((row) => [row.live?.target.artifact, row.next?.target?.artifact].filter((key) => key !== undefined)),
    );
    this.#kept(rows, used);
    const { artifacts, data } = engine.inventory();
    const extra = artifacts.filter(({ key }) => !used.has(key as never));
    this.#expect(extra.length === 0, () => `${extra.length} artifacts lie about that nothing refers to`);
    const missing = rows.filter((row) => row.live !== null && !engine.artifacts.has(row.live.target.artifact));
    this.#expect(missing.length === 0, () => `${missing.map((row) => row.app).join(', ')}: live without an artifact`);
    this.#expect(
      recorded.artifacts.size === used.size,
      () => `${used.size} artifacts are in use or kept, ${recorded.artifacts.size} are recorded`,
    );
    const names = new Set(rows.map((row) => row.dataName));
    const leaked = data.filter(({ name }) => !names.has(name));
    this.#expect(leaked.length === 0, () => `data was kept for ever: ${leaked.map(({ name }) => name).join(', ')}`);
    const lost = rows.filter((row) => row.live?.target.inputs.engine === 'process' && !engine.data.has(row.dataName));
    this.#expect(lost.length === 0, () => `data was lost: ${lost.map(({ dataName }) => dataName).join(', ')}`);
    this.#expect(recorded.retained.size === 0, () => 'retained data is still recorded');
  }

  /** For going back, production keeps what its last five revisions were made from, besides the live one; any other the last one. */
  #kept(rows: readonly RecordedDeployment[], used: Set<ArtifactKey>): void {
    const { engine, lost, judge } = this.#world;
    for (const { env, app, dataName } of rows) {
      const past = judge.pastOf(dataName);
      const most = env === 'prod' ? 6 : 1;
      for (const key of past.slice(0, most)) {
        if (engine.artifacts.has(key)) used.add(key);
        const isThere = engine.artifacts.has(key) || lost.has(key);
        this.#expect(isThere, () => `${app} in ${env}: artifact ${key} of what was live lately is gone`);
      }
    }
  }

  #expect(holds: boolean, text: () => string): void {
    this.#verdict.expect(holds, text);
  }
}

/** What is said of an app that is not live. */
function standing(next: RecordedDeployment['next'] | undefined): string {
  if (next == null) return 'parked';
  return next.state === 'quarantined' || next.state === 'held' ? 'failed' : 'coming';
}

type Target = NonNullable<RecordedDeployment['live']>['target'];

function differences(app: SimApp, target: Target | null | undefined): string {
  if (target == null) return 'nothing is on its way';
  const { policy, values, inputs } = target;
  return `pushed was ${app.path} (N=${app.params}, ${app.timeoutMs} ms, ${app.health}), recorded is ${policy.path} (${JSON.stringify(values.params)}, ${policy.health.timeoutMs} ms, ${policy.health.path}, tree ${inputs.tree})`;
}
