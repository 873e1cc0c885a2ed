import Database from 'better-sqlite3';
import { chainEvent } from '../../src/audit/chain.ts';
import { MainspringError } from '../../src/model/errors.ts';
import type { ArtifactKey, InstallationId, InstanceId } from '../../src/model/ids.ts';
import type { EngineName } from '../../src/model/revision.ts';
import type { RouteRow } from '../../src/model/routing.ts';
import { defaultLimits, type Ports } from '../../src/reconcile/ports.ts';
import { Reconciler } from '../../src/reconcile/reconciler.ts';
import { withVacancies } from '../../src/reconcile/vacancies.ts';
import type { InstanceRequest } from '../../src/runtime/engine.ts';
import type { FakeCall, FakeFault } from '../../src/runtime/fake/fake-engine.ts';
import { FakeWorld } from '../../src/runtime/fake/fake-world.ts';
import { Connection, prepareDatabase, sql } from '../../src/store/database.ts';
import type { RecordedView } from '../../src/store/recorded.ts';
import { Store } from '../../src/store/store.ts';
import { TABLES } from '../../src/store/tables.ts';
import { UNVERIFIED } from './config-edits.ts';
import type { Behaviour, Interruptible } from './events.ts';
import { Judge } from './judge.ts';
import { MortalClock, SimClock } from './sim-clock.ts';
import { CONFIG_FILE, evaluateSimConfig, FIRST_CONFIG, type SimConfig } from './sim-config.ts';
import { DiskView, SimConnection, type WriteFate } from './sim-connection.ts';
import { RUNS, SimEngine } from './sim-engine.ts';
import { SimFaults, suffer } from './sim-faults.ts';
import { SimGateway } from './sim-gateway.ts';
import { type Folder, SimGit, SimRepo, treeIdOf } from './sim-git.ts';
import { simProbe } from './sim-probe.ts';
import { BUILD_MS, DRAIN_MS, RESTART_MS, SETTINGS, STALL_MS, START } from './sim-settings.ts';

const STRAY = 'stray-';

/** The share of memory that is in use while it is short, and else. */
const PRESSED = 0.95;
const RELAXED = 0.4;

/** Counts of what came up in a run, by name. */
export type Tally = Record<string, number>;

interface Life {
  dead: boolean;
  readonly store: Store;
  readonly reconciler: Reconciler;
  /** Nothing that is under way has any further effect. */
  readonly end: () => void;
}

/** The whole world: repos, engines, gateways and a database that outlive the controllers that come and go in it. */
export class SimWorld {
  readonly clock = new SimClock(START);
  readonly config = new SimRepo('https://git.example.com/config');
  readonly sources = [new SimRepo('https://git.example.com/alpha'), new SimRepo('https://git.example.com/beta')];
  readonly engine: FakeWorld;
  readonly gateway: SimGateway;
  readonly judge: Judge;
  readonly tally: Tally;
  readonly faults = new SimFaults((what) => this.count(what));
  readonly disk: DiskView;
  /** The database itself, to read it. */
  readonly connection: Connection;
  /** Every instance that was ever started. */
  readonly everRan = new Set<string>();
  /** Data that something was started on, and that nobody asked to be removed since. */
  readonly everHadData = new Set<string>();
  /** Artifacts that somebody removed by hand. */
  readonly lost = new Set<string>();
  /** Instances that somebody paused by hand. */
  readonly frozenByHand = new Set<InstanceId>();
  /** Whether engines can pause here. */
  readonly pauses: boolean;
  readonly seed: number;
  /** What happened, line by line, for people. */
  readonly story: string[] = [];
  /** The next crash at a named boundary. */
  trap: { boundary: string; after: number } | null = null;
  /** What becomes of the write that is so many writes away. */
  writeTrap: { after: number; readonly fate: 'full' | 'dies-before' | 'dies-after' } | null = null;
  /** What somebody does at the next moment of that name, once. */
  interrupt: { readonly at: Interruptible; readonly act: (app?: string) => void } | null = null;
  /** No call on behalf of this app ever comes back while it is set. */
  stuck: { readonly app: string; readonly method: 'build' | 'start' | 'probe' } | null = null;
  /** Until when memory is short. */
  pressedUntil = 0;
  diskFullUntil = 0;
  losesEventsUntil = 0;
  #life: Life;
  readonly #lives: Life[] = [];
  /** The last write may have been done without anybody having heard of it. */
  #isTorn = false;
  #serial = 0;
  readonly #db: Database.Database;
  readonly #trees = new Map<string, string>();
  readonly #behaviours = new Map<string, Behaviour>();
  readonly #random: () => number;

  constructor(seed: number, tally: Tally) {
    this.seed = seed;
    this.pauses = seed % 5 !== 0;
    this.#random = mulberry32(seed);
    this.tally = tally;
    this.#db = new Database(':memory:');
    prepareDatabase(this.#db, ':memory:');
    this.disk = new DiskView(this.#db);
    this.connection = new Connection(this.#db, ':memory:');
    // Only what runs behaves: files do not die.
    this.engine = new FakeWorld((request, attempt) => {
      if (!request.id.startsWith(STRAY)) this.everRan.add(request.id);
      if (request.spec.engine === 'process') this.everHadData.add(request.dataName);
      return RUNS[this.#running(request)](attempt);
    });
    this.gateway = new SimGateway({
      clock: this.clock,
      readSince: (generation) => this.#routesSince(generation),
      onRequest: (instance) => this.judge.onRequest(instance),
    });
    this.judge = new Judge(this);
    this.config.push({
      folders: { '': { [CONFIG_FILE]: JSON.stringify(FIRST_CONFIG) } },
    });
    for (const repo of this.sources) {
      repo.push({ folders: { '': { 'index.html': repo.url } } });
    }
    this.#life = this.#boot();
  }

  /** What is recorded, as the living controller (or the last one) has it. */
  get recorded(): RecordedView {
    return this.#life.store.recorded;
  }

  /** The loop of the living controller, or of the last one. */
  get reconciler(): Reconciler {
    return this.#life.reconciler;
  }

  /** A whole number below `below`, the same one for the same seed. */
  random(below: number): number {
    return Math.floor(this.#random() * below);
  }

  /** A number that was not given out before. */
  nextSerial(): number {
    this.#serial += 1;
    return this.#serial;
  }

  /** How the code in an artifact behaves. */
  behaviourOf(artifact: string): Behaviour {
    const tree = this.#trees.get(artifact) ?? this.recorded.artifacts.get(artifact)?.inputs.tree ?? undefined;
    if (tree === undefined) return 'ok';
    this.#trees.set(artifact, tree);
    return this.#behaviours.get(tree) ?? 'ok';
  }

  /** How the code of a folder behaves. */
  folderBehaviour(folder: Folder | undefined): Behaviour {
    return folder === undefined ? 'ok' : (this.#behaviours.get(treeIdOf(folder)) ?? 'ok');
  }

  /** Notes how the code of a folder behaves. */
  setBehaviour(folder: Folder, behaviour: Behaviour): void {
    this.#behaviours.set(treeIdOf(folder), behaviour);
  }

  /** The config that a commit holds. */
  configAt(commit: string | null): SimConfig | null {
    const text = commit === null ? undefined : this.config.commits.get(commit as never)?.folders['']?.[CONFIG_FILE];
    return text === undefined ? null : (JSON.parse(text) as SimConfig);
  }

  count(what: string): void {
    this.tally[what] = (this.tally[what] ?? 0) + 1;
  }

  /** Adds a line to the story. */
  tell(text: string): void {
    this.story.push(`${((this.clock.now() - START) / 1_000).toFixed(3).padStart(10)} s  ${text}`);
  }

  /** Kills the controller: whatever it was doing has no further effect. A new one starts a little later. */
  crash(): void {
    const life = this.#life;
    if (life.dead) return;
    life.end();
    this.count('crash');
    this.tell('the controller is killed');
    void this.clock.sleep(RESTART_MS).then(() => {
      this.tell('a controller starts');
      this.#life = this.#boot();
    });
  }

  /** Everything that is wrong with the world from outside ends. */
  heal(): void {
    this.faults.clear();
    this.trap = null;
    this.writeTrap = null;
    this.interrupt = null;
    this.stuck = null;
    this.diskFullUntil = 0;
    this.pressedUntil = Math.min(this.pressedUntil, this.clock.now());
    this.losesEventsUntil = 0;
    this.gateway.deafUntil = 0;
    for (const repo of [this.config, ...this.sources]) repo.fault = null;
    this.engine.publish({ kind: 'gap' });
  }

  /** Somebody pauses an instance that runs, or lets one go on that is paused. Engines that can't pause have nobody who does. */
  freezeByHand(id: InstanceId, { paused }: { readonly paused: boolean }): void {
    const instance = this.engine.instances.get(id);
    if (!this.pauses || instance?.engine !== 'process' || !instance.running || instance.paused === paused) return;
    this.count(paused ? 'paused by hand' : 'resumed by hand');
    if (paused) this.frozenByHand.add(id);
    this.engine.freezeByHand(id, { paused });
  }

  /** Something of this installation turns up that no row owns: what is left of a database that was put back, say. */
  stray(what: 'instance' | 'artifact'): void {
    const name = `${STRAY}${this.random(1_000_000)}`;
    this.engine.build(name as ArtifactKey, 'process');
    if (what === 'artifact') return;
    const request = { id: name, env: 'prod', app: name, generation: 0, spec: { params: {} }, dataName: 'prod/stray' };
    const instance = { ...request, revision: name, artifact: { key: name, digest: null } } as unknown;
    this.engine.start(instance as InstanceRequest, 'static', this.clock.now());
  }

  #running(request: InstanceRequest): Behaviour {
    if (request.spec.engine !== 'process') return 'ok';
    const behaviour = this.behaviourOf(request.artifact.key);
    // Nothing would ever come to rest: it is live although it never runs.
    return behaviour === 'dead' && request.app === UNVERIFIED ? 'ok' : behaviour;
  }

  #routesSince(generation: number): RouteRow[] {
    const query = sql.selectFrom('routes').selectAll().where('generation', '>', generation).orderBy('generation');
    return this.connection.all(query).map((columns) => TABLES.route.fromColumns(columns));
  }

  #boot(): Life {
    const clock = new MortalClock(this.clock);
    const repos = new Map([this.config, ...this.sources].map((repo) => [repo.url as string, repo]));
    const deps = { clock, faults: this.faults, count: (what: string) => this.count(what) };
    const git = new SimGit(repos, { ...deps, latency: () => 1 + this.random(40) });
    const connection = new SimConnection(this.#db, this.connection);
    const store = new Store({ connection, clock, chain: chainEvent, complete: withVacancies });
    const engines = (['static', 'process', 'proxy'] as const).map((name) => this.#engine(name, clock, store));
    const ports = this.#ports({ clock, git, store, engines }, () => life.dead);
    const end = () => {
      life.dead = true;
      clock.die();
      git.die();
      for (const engine of engines) engine.crash();
    };
    const life: Life = { dead: false, store, reconciler: new Reconciler(ports), end };
    this.#lives.push(life);
    connection.fate = () => (life.dead ? 'dead' : this.#writeFate());
    this.judge.onBoot(store.recorded, { isTorn: this.#isTorn });
    this.#isTorn = false;
    store.onChange((changes) => this.judge.onChange(changes, store.recorded));
    this.gateway.onWake = (env, app) => {
      if (life.dead) return;
      try {
        life.reconciler.wake(env, app);
      } catch (error) {
        // A full disk: it is asked again.
        this.tell(`  wake of ${app}: ${String(error)}`);
      }
    };
    void life.reconciler.start().catch((error: unknown) => {
      if (!life.dead) this.judge.violation(`start failed: ${String(error)}`);
    });
    return life;
  }

  #writeFate(): WriteFate {
    if (this.clock.now() < this.diskFullUntil) return 'full';
    if (this.writeTrap === null) return 'done';
    this.writeTrap.after -= 1;
    if (this.writeTrap.after > 0) return 'done';
    const { fate } = this.writeTrap;
    this.writeTrap = null;
    this.count(`write: ${fate}`);
    this.tell(`a write: ${fate}`);
    if (fate === 'dies-after') this.#isTorn = true;
    if (fate !== 'full') this.crash();
    return fate;
  }

  #engine(name: EngineName, clock: MortalClock, store: Store): SimEngine {
    const engine = new SimEngine(this.engine, clock, {
      name,
      pauses: this.pauses && name === 'process',
      fault: (call) => {
        this.judge.onEngineCall(call, store.recorded);
        return this.#faultFor(call, store.recorded);
      },
      losesEvent: (event) => event.kind !== 'gap' && this.clock.now() < this.losesEventsUntil,
    });
    engine.onOverlap = (what) => this.judge.violation(`side by side: ${what}`);
    return engine;
  }

  #faultFor(call: FakeCall, recorded: RecordedView): FakeFault {
    if (this.#isStuck(call, recorded)) return 'hang';
    if (call.method === 'build' && this.behaviourOf(call.subject) === 'broken')
      throw new MainspringError('build-failed', 'build: exit code 1');
    const fault = this.faults.take(call.method);
    if (fault !== 'none') return fault;
    if (call.method === 'build') return { delayMs: 20 + this.random(3_000) };
    return call.method === 'start' ? { delayMs: this.random(60) } : 'none';
  }

  #isStuck({ method, subject }: FakeCall, recorded: RecordedView): boolean {
    if (this.stuck?.method !== method) return false;
    const { app } = this.stuck;
    if (method === 'start') return recorded.instances.get(subject)?.app === app;
    return recorded.deploymentsWith(subject as ArtifactKey).some((row) => row.app === app);
  }

  #ports(
    parts: { clock: MortalClock; git: SimGit; store: Store; engines: readonly SimEngine[] },
    isDead: () => boolean,
  ): Ports {
    const { clock } = parts;
    const never = () => new Promise<never>(() => {});
    return {
      installation: 'simulation' as InstallationId,
      settings: SETTINGS,
      ...parts,
      engines: new Map(parts.engines.map((engine) => [engine.name, engine])),
      evaluator: { evaluate: (tree, signal) => this.#evaluate(clock, signal, () => evaluateSimConfig(tree)) },
      available: () => null,
      memory: async () => (this.clock.now() < this.pressedUntil ? PRESSED : RELAXED),
      probe: simProbe(this, clock),
      gateways: this.gateway.connect(isDead),
      log: { info: () => {}, warn: () => this.count('warnings') },
      limits: { ...defaultLimits(2), drainMs: DRAIN_MS, buildMs: BUILD_MS },
      reach: (name) => {
        if (isDead()) return never();
        this.count(`boundary: ${name}`);
        if (this.#springs(name)) {
          this.crash();
          return never();
        }
        if (this.interrupts(name)) return clock.sleep(STALL_MS);
        // Now and then something else goes on in between.
        return this.random(12) === 0 ? clock.sleep(this.random(30)) : undefined;
      },
      yieldTurn: () => (this.random(4) === 0 ? clock.sleep(this.random(5)) : Promise.resolve()),
    };
  }

  #evaluate<T>(clock: MortalClock, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
    const sleep = (ms: number, until?: AbortSignal) => clock.sleep(ms, until);
    const error = () => new MainspringError('unexpected', 'evaluator: it ended', { retry: 'after-interval' });
    return suffer(this.faults.take('evaluate'), { sleep, signal, error }, async () => {
      await sleep(this.random(30), signal);
      return run();
    });
  }

  #springs(boundary: string): boolean {
    if (this.trap?.boundary !== boundary) return false;
    this.trap.after -= 1;
    if (this.trap.after > 0) return false;
    this.trap = null;
    this.count(`crash at: ${boundary}`);
    this.tell(`reaches ${boundary}`);
    return true;
  }

  /** Whether somebody waited for this moment, and has done now what they waited for. */
  interrupts(moment: string, app?: string): boolean {
    if (this.interrupt?.at !== moment) return false;
    const { act } = this.interrupt;
    this.interrupt = null;
    this.count(`interrupted: ${moment}`);
    this.tell(`  at ${moment} ${app ?? ''}:`);
    act(app);
    return true;
  }

  /** The ids of all instances that exist. */
  get instanceIds(): readonly InstanceId[] {
    return [...this.engine.instances.keys()];
  }

  /** Ends everything: signals that nobody aborts would keep every world that ever was in memory. */
  close(): void {
    for (const life of this.#lives) {
      life.end();
      void life.reconciler.stop().catch(() => {});
    }
    this.#db.close();
  }
}

/** A small seeded generator: numbers from 0 to 1, the same for the same seed. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
