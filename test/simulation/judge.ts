import { chainFault, GENESIS } from '../../src/audit/chain.ts';
import { readAudit } from '../../src/audit/log.ts';
import { canonicalJson } from '../../src/model/canonical.ts';
import type { InstanceId } from '../../src/model/ids.ts';
import type { RecordedDeployment } from '../../src/model/recorded.ts';
import type { RouteTarget } from '../../src/model/routing.ts';
import type { FakeCall } from '../../src/runtime/fake/fake-engine.ts';
import type { Change } from '../../src/store/changes.ts';
import type { RecordedView } from '../../src/store/recorded.ts';
import type { SimApp, SimConfig } from './sim-config.ts';
import { treeIdOf } from './sim-git.ts';
import type { SimWorld } from './sim-world.ts';

/** A promise that was broken. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/**
 * Says what is right, from what people pushed and from what is seen of the world: written apart from the code that it judges,
 * of which it imports nothing.
 */
export class Judge {
  readonly violations: string[] = [];
  readonly #world: SimWorld;
  readonly #routeGenerations = new Map<string, number>();
  readonly #lives = new Map<string, { generation: number; instance: string }>();
  readonly #healthy = new Set<InstanceId>();
  #generation = 0;
  #accepted: string | null = null;
  /** Deployments as they were before the transaction. */
  #before: ReadonlyMap<string, RecordedDeployment> = new Map();

  constructor(world: SimWorld) {
    this.#world = world;
  }

  violation(text: string): void {
    this.violations.push(text);
  }

  #expect(holds: boolean, text: () => string): void {
    if (!holds) this.violation(text());
  }

  /** An instance answered a probe as it should. */
  onHealthy(target: RouteTarget): void {
    for (const [id, instance] of this.#world.engine.instances) {
      const state = this.#world.engine.stateOf(instance);
      if (state.state === 'running' && canonicalJson(state.target) === canonicalJson(target)) this.#healthy.add(id);
    }
  }

  // ── after each transaction ──

  /** Looks at every transaction: what it wrote, and what is recorded after it. */
  onChange(changes: readonly Change[], recorded: RecordedView): void {
    this.#expect(recorded.generation >= this.#generation, () => 'the generation went back');
    this.#generation = recorded.generation;
    for (const change of changes) {
      if ('audit' in change) this.#onEvent(change.audit);
      else if ('put' in change) this.#onPut(change, recorded);
      else if (change.drop === 'deployment') this.#onGone(change.row, recorded);
    }
    this.#before = new Map(recorded.deployments);
  }

  #onPut(change: Extract<Change, { put: unknown }>, recorded: RecordedView): void {
    if (change.put === 'route') this.#onRoute(change.row, recorded);
    if (change.put === 'deployment') this.#onDeployment(change.row, recorded);
    if (change.put === 'config') this.#onConfig(change.row.accepted);
  }

  #onRoute(row: Extract<Change, { put: 'route' }>['row'], recorded: RecordedView): void {
    const key = `${row.host} ${row.path}`;
    this.#expect(
      row.generation > (this.#routeGenerations.get(key) ?? 0),
      () => `route ${key}: generation ${row.generation} is not newer`,
    );
    this.#routeGenerations.set(key, row.generation);
    if (row.serve === null) return;
    const { instance } = row.serve;
    const declared = this.#declared(row.app);
    const skips =
      declared?.verify === false || recorded.deployment(row.env, row.app)?.live?.target.policy.verify === false;
    this.#expect(
      skips || this.#healthy.has(instance),
      () => `route ${key}: serves ${instance}, which was never seen healthy`,
    );
    this.#expect(recorded.instances.has(instance), () => `route ${key}: serves ${instance}, which nobody records`);
  }

  #onDeployment(row: RecordedDeployment, recorded: RecordedView): void {
    const key = `${row.env} ${row.app}`;
    const before = this.#lives.get(key);
    if (row.live === null) {
      this.#expect(
        before === undefined || row.next?.state === 'removing',
        () => `${key}: was live and is not, without being removed`,
      );
      this.#lives.delete(key);
      return;
    }
    this.#expect(
      before === undefined || row.live.generation >= before.generation,
      () => `${key}: an older target took the place of a newer one`,
    );
    const switched = before !== undefined && before.instance !== row.live.instance;
    this.#expect(
      !switched || row.live.generation > (before?.generation ?? 0),
      () => `${key}: switched without a newer generation`,
    );
    this.#expect(
      recorded.instances.has(row.live.instance),
      () => `${key}: live on ${row.live?.instance}, which nobody records`,
    );
    this.#lives.set(key, row.live);
  }

  #onConfig(accepted: string | null): void {
    if (accepted === this.#accepted) return;
    this.#accepted = accepted;
    const config = this.#world.configAt(accepted);
    this.#expect(config !== null && !config.broken, () => `accepted a commit that does not evaluate: ${accepted}`);
    const pushed = this.#world.config.history.some(({ branch, commit }) => branch === 'main' && commit === accepted);
    this.#expect(pushed, () => `accepted a commit that was never on the branch: ${accepted}`);
  }

  #onGone(row: RecordedDeployment, recorded: RecordedView): void {
    const left = [...recorded.instances.values()].filter(
      (instance) => instance.env === row.env && instance.app === row.app,
    );
    this.#expect(left.length === 0, () => `${row.app}: its row is gone while instances of it are recorded`);
    this.#lives.delete(`${row.env} ${row.app}`);
  }

  #onEvent(event: Extract<Change, { audit: unknown }>['audit']): void {
    if (event.kind !== 'deployment.removing') return;
    this.#expect(
      this.#declared(event.app ?? '') === undefined,
      () => `${event.app}: is being removed although it is declared`,
    );
    // What was on its way out before this transaction was let through before and counts no more.
    const rows = [...this.#before.values()].filter((row) => row.live !== null && row.next?.state !== 'removing');
    const unwanted = rows.filter((row) => this.#declared(row.app) === undefined);
    // What never was live is nothing that production loses.
    if (!unwanted.some((row) => row.app === event.app)) return;
    const brake = unwanted.length >= 3 && unwanted.length > rows.length / 2;
    const allowed = this.#acceptedConfig()?.allowRemoval != null;
    this.#expect(
      !brake || allowed,
      () => `${event.app}: one of ${unwanted.length} removals of ${rows.length} apps, and the brake did not hold`,
    );
  }

  // ── before each call of an engine ──

  /** Each effect has its intent: a row that says so, before the call. */
  onEngineCall(_engine: string, call: FakeCall, recorded: RecordedView): void {
    const { method, subject } = call;
    const instance = recorded.instances.get(subject);
    const artifact = recorded.artifacts.get(subject);
    if (method === 'start') this.#expect(instance?.state === 'starting', () => `start of ${subject} without an intent`);
    if (method === 'build') this.#expect(artifact?.state === 'building', () => `build of ${subject} without an intent`);
    if (method === 'remove')
      this.#expect(
        instance === undefined || instance.state === 'removing',
        () => `removal of ${subject} without an intent`,
      );
    if (method === 'removeArtifact') this.#onArtifactRemoval(subject, recorded);
    if (method === 'removeData') this.#onDataRemoval(subject, recorded);
    if (method === 'stop') this.#onStop(subject as InstanceId, recorded);
  }

  #onStop(id: InstanceId, recorded: RecordedView): void {
    const row = recorded.instances.get(id);
    this.#expect(row?.state === 'stopping', () => `stop of ${id} without an intent`);
    this.#expect(!this.#world.gateway.routes(id), () => `stop of ${id} while requests are still led to it`);
    const inFlight = this.#world.gateway.inFlight.get(id) ?? 0;
    const late = row?.drainUntil != null && this.#world.clock.now() >= row.drainUntil;
    this.#expect(inFlight === 0 || late, () => `stop of ${id} with ${inFlight} requests in flight and time left`);
  }

  #onArtifactRemoval(key: string, recorded: RecordedView): void {
    const row = recorded.artifacts.get(key);
    this.#expect(row === undefined || row.state === 'removing', () => `removal of artifact ${key} without an intent`);
    const user = [...recorded.deployments.values()].find((deployment) => deployment.live?.target.artifact === key);
    this.#expect(user === undefined, () => `removal of artifact ${key}, which ${user?.app} runs`);
  }

  #onDataRemoval(name: string, recorded: RecordedView): void {
    this.#expect(recorded.retained.get(name)?.state === 'removing', () => `removal of data ${name} without an intent`);
    const user = [...recorded.deployments.values()].find((row) => row.dataName === name && row.live !== null);
    this.#expect(user === undefined, () => `removal of data ${name}, which ${user?.app} uses`);
  }

  // ── at rest ──

  /** With nothing wrong any more and all the time it needs, the world is exactly what was pushed. */
  atRest(): void {
    const { recorded, config } = this.#world;
    const tip = config.branches.get('main') ?? null;
    const wanted = this.#world.configAt(tip);
    const accepted = recorded.config.accepted;
    if (wanted?.broken === false)
      this.#expect(accepted === tip, () => `follows ${accepted}, although ${tip} is good and newer`);
    else this.#expect(recorded.config.errors.length > 0, () => 'the tip is broken and no error is shown');
    const apps = this.#acceptedConfig()?.apps ?? [];
    for (const app of apps) this.#restOfApp(app);
    this.#restOfUndeclared(new Set(apps.map((app) => app.id)));
    this.#restOfWorld();
    this.#restOfLog();
  }

  #restOfApp(app: SimApp): void {
    const row = [...this.#world.recorded.deployments.values()].find((candidate) => candidate.app === app.id);
    if (row === undefined) {
      this.violation(`${app.id}: is declared and not recorded`);
      return;
    }
    const folder = this.folderOf(app);
    if (folder === undefined) return;
    const tree = app.repo === '-' ? null : treeIdOf(folder);
    const target = row.next?.target ?? row.live?.target;
    this.#expect(
      target?.inputs.tree === tree,
      () => `${app.id}: is at tree ${target?.inputs.tree}, pushed was ${tree}`,
    );
    this.#expect(
      target?.policy.path === app.path,
      () => `${app.id}: is at ${target?.policy.path}, declared was ${app.path}`,
    );
    const param = app.spec === 'procfile' ? target?.values.params['N'] : app.params;
    this.#expect(param === app.params, () => `${app.id}: has N=${String(param)}, declared was ${app.params}`);
    if (this.isSick(app))
      this.#expect(
        row.next?.state === 'quarantined',
        () => `${app.id}: never gets healthy and is ${row.next?.state ?? 'live'}`,
      );
    else
      this.#expect(
        row.next === null && row.live !== null,
        () => `${app.id}: is good and is ${row.next?.state ?? 'not live'} (${row.next?.reason})`,
      );
    if (row.live !== null) this.#restOfLive(row);
  }

  #restOfLive(row: RecordedDeployment): void {
    if (row.live === null) return;
    const { instance, target } = row.live;
    this.#expect(
      this.#world.engine.isRunning(instance),
      () => `${row.app}: is live on ${instance}, which does not run`,
    );
    this.#expect(
      row.live.condition === null,
      () => `${row.app}: still has the condition ${row.live?.condition?.message}`,
    );
    const route = this.#world.gateway.table.get(`${target.policy.host} ${target.policy.path}`);
    this.#expect(
      route?.serve?.instance === instance,
      () => `${row.app}: ${target.policy.path} leads to ${route?.serve?.instance ?? 'nothing'}, not to ${instance}`,
    );
  }

  #restOfUndeclared(declared: ReadonlySet<string>): void {
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
    for (const row of held) this.#restOfLive(row);
  }

  #restOfWorld(): void {
    const { recorded, engine, gateway } = this.#world;
    const live = new Set([...recorded.deployments.values()].flatMap((row) => row.live?.instance ?? []));
    const { instances } = engine.inventory();
    const extra = instances.filter(({ id }) => !live.has(id as InstanceId));
    this.#expect(
      extra.length === 0,
      () =>
        `runs or lies about without being live: ${extra.map(({ id, app, state }) => `${id} (${app}, ${state})`).join(', ')}`,
    );
    this.#expect(instances.length === live.size, () => `${live.size} are live, ${instances.length} exist`);
    this.#expect(
      recorded.instances.size === live.size,
      () => `${live.size} are live, ${recorded.instances.size} are recorded`,
    );
    for (const [key, row] of gateway.table) {
      if (row.serve !== null)
        this.#expect(
          live.has(row.serve.instance),
          () => `route ${key} leads to ${row.serve?.instance}, which is not live`,
        );
    }
    this.#expect(
      gateway.generation === recorded.generation ||
        [...recorded.routes.values()].every((row) => row.generation <= gateway.generation),
      () => 'the gateway did not apply the last switch',
    );
  }

  #restOfLog(): void {
    let head = GENESIS;
    const live = new Map<string, unknown>();
    let accepted: string | null = null;
    for (const event of readAudit(this.#world.connection)) {
      const fault = chainFault(head, event);
      if (fault !== null) this.violation(`audit: ${fault}`);
      head = event;
      const key = `${event.env} ${event.app}`;
      if (event.kind === 'deployment.live') live.set(key, event.detail['revision']);
      if (event.kind === 'deployment.unrouted') live.delete(key);
      if (event.kind === 'config.accepted' && event.cause.kind === 'commit') accepted = event.cause.commit;
    }
    for (const row of this.#world.recorded.deployments.values()) {
      const said = live.get(`${row.env} ${row.app}`) ?? null;
      this.#expect(
        said === (row.live?.target.revision ?? null),
        () => `${row.app}: the log says that ${String(said)} is live, recorded is ${row.live?.target.revision ?? null}`,
      );
    }
    this.#expect(accepted === this.#world.recorded.config.accepted, () => `the log says that ${accepted} is followed`);
  }

  /** After the time of retention nothing is left of what is gone. */
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

  // ── what was pushed ──

  /** The files that an app should run now; undefined where its source does not have them. */
  folderOf(app: SimApp): Readonly<Record<string, string>> | undefined {
    if (app.repo === '-') return {};
    if (app.repo === '') return this.#world.config.commits.get(this.#accepted as never)?.folders[app.folder];
    return this.#world.sources.find((repo) => repo.url === app.repo)?.tip()?.folders[app.folder];
  }

  /** Whether what an app should run never gets healthy. */
  isSick(app: SimApp): boolean {
    if (app.spec !== 'procfile' || !app.verify) return false;
    return this.#world.folderBehaviour(this.folderOf(app)) === 'sick';
  }

  #acceptedConfig(): SimConfig | null {
    return this.#world.configAt(this.#accepted);
  }

  #declared(app: string): SimApp | undefined {
    return this.#acceptedConfig()?.apps.find((candidate) => candidate.id === app);
  }
}
