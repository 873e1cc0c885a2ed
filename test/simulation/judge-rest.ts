import type { InstanceId } from '../../src/model/ids.ts';
import type { RecordedDeployment } from '../../src/model/recorded.ts';
import { loadRecorded } from '../../src/store/store.ts';
import type { Model } from './model.ts';
import { Shadow } from './shadow.ts';
import type { SimApp } from './sim-config.ts';
import { treeIdOf } from './sim-git.ts';
import type { SimWorld } from './sim-world.ts';
import type { Verdict } from './verdict.ts';

/** At rest, what runs, is routed, is on disk and is recorded equals what was pushed, exactly. */
export class RestJudge {
  readonly #world: SimWorld;
  readonly #model: Model;
  readonly #verdict: Verdict;

  constructor(world: SimWorld, model: Model, verdict: Verdict) {
    this.#world = world;
    this.#model = model;
    this.#verdict = verdict;
  }

  atRest(): void {
    this.#followsTip();
    const apps = this.#model.config?.apps ?? [];
    for (const app of apps) this.#app(app);
    this.#undeclared(new Set(apps.map((app) => app.id)));
    this.#instances();
    this.#routes();
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

  #app(app: SimApp): void {
    const row = [...this.#world.recorded.deployments.values()].find((candidate) => candidate.app === app.id);
    if (row === undefined) {
      this.#verdict.violation(`${app.id}: is declared and not recorded`);
      return;
    }
    if (row.live?.target.policy.path === app.path) this.#live(row);
    else if (row.live !== null) this.#goesOn(row);
    if (this.#model.folderOf(app) === undefined) {
      // What it was goes on: that its files are gone says nothing about what should run.
      this.#expect(row.next?.state !== 'removing', () => `${app.id}: is removed because its files are gone`);
      return;
    }
    const target = row.next === null ? row.live?.target : row.next.target;
    this.#expect(target != null && this.#isAsPushed(app, target), () => `${app.id}: ${differences(app, target)}`);
    // What was verified by other rules stays live; only what is new is verified by the new ones.
    const isSick = this.#model.isSick(app) && !(row.live !== null && this.#isSameInstance(app, row.live.target));
    if (isSick)
      this.#expect(
        row.next?.state === 'quarantined',
        () => `${app.id}: can't get healthy and is ${row.next?.state ?? 'live'}`,
      );
    else
      this.#expect(
        row.next === null && row.live !== null,
        () => `${app.id}: is good and is ${row.next?.state ?? 'not live'} (${row.next?.reason})`,
      );
  }

  #isSameInstance(app: SimApp, target: Target): boolean {
    const folder = this.#model.folderOf(app);
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

  #isAsPushed(app: SimApp, target: Target): boolean {
    const { health } = target.policy;
    const isPolicy = health.timeoutMs === app.timeoutMs && health.path === app.health;
    return isPolicy && this.#isSameInstance(app, target);
  }

  #live(row: RecordedDeployment): void {
    if (row.live === null) return;
    const { instance, target, condition } = row.live;
    this.#expect(
      this.#world.engine.isRunning(instance),
      () => `${row.app}: is live on ${instance}, which does not run`,
    );
    this.#expect(condition === null, () => `${row.app}: still has the condition ${condition?.message}`);
    const served = this.#world.gateway.servedAt(target.policy.host, target.policy.path);
    this.#expect(
      served === instance,
      () => `${row.app}: ${target.policy.path} leads to ${served ?? 'nothing'}, not to ${instance}`,
    );
  }

  #undeclared(declared: ReadonlySet<string>): void {
    const rows = [...this.#world.recorded.deployments.values()];
    const left = rows.filter((row) => !declared.has(row.app));
    const held = left.filter((row) => row.next?.state === 'held' && row.next.release !== null);
    this.#expect(
      left.length === held.length,
      () => `${left.map((row) => row.app).join(', ')}: not declared and still there`,
    );
    if (held.length === 0) {
      this.#expect(this.#world.recorded.releases.size === 0, () => 'a held release holds nothing');
      return;
    }
    const live = rows.filter((row) => row.live !== null);
    this.#expect(
      held.length >= 3 && held.length > live.length / 2,
      () => `${held.length} of ${live.length} removals are held, which is no large share`,
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
    const served = this.#world.gateway.servedAt(host, path);
    const isServed = [row, ...others].some((candidate) => candidate.live?.instance === served);
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
    this.#expect(instances.length === live.size, () => `${live.size} are live, ${instances.length} exist`);
    const recordedIds = [...recorded.instances.keys()].filter((id) => !kept.has(id as InstanceId));
    this.#expect(
      recordedIds.length === live.size && recordedIds.every((id) => live.has(id as InstanceId)),
      () => `${live.size} are live, recorded are ${recordedIds.join(', ')}`,
    );
  }

  #liveInstances(): Set<InstanceId> {
    return new Set([...this.#world.recorded.deployments.values()].flatMap((row) => row.live?.instance ?? []));
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
    const { artifacts, data } = engine.inventory();
    const extra = artifacts.filter(({ key }) => !used.has(key as never));
    this.#expect(extra.length === 0, () => `${extra.length} artifacts lie about that nothing refers to`);
    const missing = rows.filter((row) => row.live !== null && !engine.artifacts.has(row.live.target.artifact));
    this.#expect(missing.length === 0, () => `${missing.map((row) => row.app).join(', ')}: live without an artifact`);
    this.#expect(
      recorded.artifacts.size === used.size,
      () => `${used.size} artifacts are in use, ${recorded.artifacts.size} are recorded`,
    );
    const names = new Set(rows.map((row) => row.dataName));
    const leaked = data.filter(({ name }) => !names.has(name));
    this.#expect(leaked.length === 0, () => `data was kept for ever: ${leaked.map(({ name }) => name).join(', ')}`);
    const lost = rows.filter((row) => row.live?.target.inputs.engine === 'process' && !engine.data.has(row.dataName));
    this.#expect(lost.length === 0, () => `data was lost: ${lost.map(({ dataName }) => dataName).join(', ')}`);
    this.#expect(recorded.retained.size === 0, () => 'retained data is still recorded');
  }

  #expect(holds: boolean, text: () => string): void {
    this.#verdict.expect(holds, text);
  }
}

type Target = NonNullable<RecordedDeployment['live']>['target'];

function differences(app: SimApp, target: Target | null | undefined): string {
  if (target == null) return 'nothing is on its way';
  const { policy, values, inputs } = target;
  return `pushed was ${app.path} (N=${app.params}, ${app.timeoutMs} ms, ${app.health}), recorded is ${policy.path} (${JSON.stringify(values.params)}, ${policy.health.timeoutMs} ms, ${policy.health.path}, tree ${inputs.tree})`;
}
