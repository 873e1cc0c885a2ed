import Database from 'better-sqlite3';
import { chainEvent } from '../../src/audit/chain.ts';
import { MainspringError } from '../../src/model/errors.ts';
import type { InstallationId, InstanceId } from '../../src/model/ids.ts';
import type { ArtifactInputs, EngineName } from '../../src/model/revision.ts';
import type { Settings } from '../../src/model/settings.ts';
import { defaultLimits, type Ports } from '../../src/reconcile/ports.ts';
import { Reconciler } from '../../src/reconcile/reconciler.ts';
import type { ProbeResult } from '../../src/runtime/engine.ts';
import { type FakeCall, FakeEngine, type FakeFault } from '../../src/runtime/fake/fake-engine.ts';
import { fakeProbe } from '../../src/runtime/fake/fake-probe.ts';
import { type FakeBehaviour, FakeWorld } from '../../src/runtime/fake/fake-world.ts';
import { Connection, prepareDatabase, type Query } from '../../src/store/database.ts';
import type { RecordedView } from '../../src/store/recorded.ts';
import { Store } from '../../src/store/store.ts';
import type { Behaviour } from './events.ts';
import { Judge } from './judge.ts';
import { MortalClock, SimClock } from './sim-clock.ts';
import { CONFIG_FILE, evaluateSimConfig, type SimConfig } from './sim-config.ts';
import { SimGateway } from './sim-gateway.ts';
import { SimGit, SimRepo, treeIdOf } from './sim-git.ts';

const START = Date.UTC(2026, 0, 1);
const RESTART_MS = 500;
/** The file whose text says how a folder's code behaves. */
export const BEHAVIOUR_FILE = 'behaviour';

const BEHAVIOURS: Readonly<Record<Behaviour, (attempt: number) => FakeBehaviour>> = {
  ok: () => ({}),
  slow: () => ({ healthy: { afterMs: 3_000 } }),
  crashy: (attempt) => (attempt <= 2 ? { dies: 'at-start' } : {}),
  sick: () => ({ healthy: 'never' }),
};

/** Retention in the simulation, in milliseconds: short, since each poll of it costs time. */
export const RETAIN_MS = 3_600_000;

/** Counts of what came up in a run, by name. */
export type Tally = Record<string, number>;

class SimConnection extends Connection {
  isFull: () => boolean = () => false;
  isDead: () => boolean = () => false;

  override write(queries: readonly Query[]): void {
    if (this.isDead()) throw new Error('this controller is dead');
    if (this.isFull()) throw new MainspringError('store-full', 'store: the disk is full', { retry: 'after-interval' });
    super.write(queries);
  }
}

interface Life {
  dead: boolean;
  readonly store: Store;
  readonly reconciler: Reconciler;
  readonly engines: readonly FakeEngine[];
  readonly clock: MortalClock;
  readonly git: SimGit;
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
  /** Instances that a probe found healthy at some time. */
  readonly verified = new Set<InstanceId>();
  readonly faults: { method: string; fault: FakeFault; times: number }[] = [];
  trap: { boundary: string; after: number } | null = null;
  diskFullUntil = 0;
  losesEventsUntil = 0;
  lives = 0;
  #life: Life;
  readonly #db: Database.Database;
  readonly #trees = new Map<string, ArtifactInputs>();
  readonly #random: () => number;

  constructor(seed: number, tally: Tally) {
    this.#random = mulberry32(seed);
    this.tally = tally;
    this.#db = new Database(':memory:');
    prepareDatabase(this.#db, ':memory:');
    // Only what runs behaves: files do not die.
    this.engine = new FakeWorld(({ artifact, spec }, attempt) =>
      spec.engine === 'process' ? BEHAVIOURS[this.behaviourOf(artifact.key)](attempt) : {},
    );
    this.gateway = new SimGateway(this.clock, () => this.recorded);
    this.judge = new Judge(this);
    this.config.push({
      folders: { '': { [CONFIG_FILE]: JSON.stringify({ broken: false, allowRemoval: null, apps: [] }) } },
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

  /** The database itself. */
  get connection(): Connection {
    return new Connection(this.#db, ':memory:');
  }

  /** When each repo was listed, by the living controller. */
  get reconciler(): Reconciler {
    return this.#life.reconciler;
  }

  /** How the code in an artifact behaves. */
  behaviourOf(artifact: string): Behaviour {
    const inputs = this.#trees.get(artifact) ?? this.recorded.artifacts.get(artifact)?.inputs;
    if (inputs === undefined) return 'ok';
    this.#trees.set(artifact, inputs);
    return this.#behaviours.get(inputs.tree ?? '') ?? 'ok';
  }

  readonly #behaviours = new Map<string, Behaviour>();

  /** How the code of a folder behaves. */
  folderBehaviour(folder: Readonly<Record<string, string>> | undefined): Behaviour {
    return folder === undefined ? 'ok' : (this.#behaviours.get(treeIdOf(folder)) ?? 'ok');
  }

  /** Notes how the code of a folder behaves. */
  setBehaviour(folder: Readonly<Record<string, string>>, behaviour: Behaviour): void {
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

  /** Kills the controller: whatever it was doing has no further effect. A new one starts a little later. */
  crash(): void {
    const life = this.#life;
    if (life.dead) return;
    life.dead = true;
    life.clock.die();
    life.git.die();
    for (const engine of life.engines) engine.crash();
    this.count('crash');
    void this.clock.sleep(RESTART_MS).then(() => {
      this.#life = this.#boot();
    });
  }

  /** Everything that is wrong with the world from outside ends. */
  heal(): void {
    this.faults.length = 0;
    this.trap = null;
    this.diskFullUntil = 0;
    this.losesEventsUntil = 0;
    this.gateway.deafUntil = 0;
    for (const repo of [this.config, ...this.sources]) repo.fault = null;
    this.engine.publish({ kind: 'gap' });
  }

  #boot(): Life {
    this.lives += 1;
    const clock = new MortalClock(this.clock);
    const repos = new Map([this.config, ...this.sources].map((repo) => [repo.url as string, repo]));
    const git = new SimGit(repos, clock, () => 1 + Math.floor(this.#random() * 40));
    const connection = new SimConnection(this.#db, ':memory:');
    const store = new Store({ connection, clock, chain: chainEvent });
    const engines = (['static', 'process', 'proxy'] as const).map((name) => this.#engine(name, clock, store));
    const ports = this.#ports({ clock, git, store, engines }, () => life.dead);
    const life: Life = { dead: false, store, reconciler: new Reconciler(ports), engines, clock, git };
    connection.isDead = () => life.dead;
    connection.isFull = () => this.clock.now() < this.diskFullUntil;
    store.onChange((changes) => this.judge.onChange(changes, store.recorded));
    void life.reconciler.start().catch((error: unknown) => {
      if (!life.dead) this.judge.violation(`start failed: ${String(error)}`);
    });
    return life;
  }

  #engine(name: EngineName, clock: MortalClock, store: Store): FakeEngine {
    return new FakeEngine(this.engine, clock, {
      name,
      fault: (call) => {
        this.judge.onEngineCall(name, call, store.recorded);
        return this.#faultFor(call);
      },
      losesEvent: (event) => event.kind !== 'gap' && this.clock.now() < this.losesEventsUntil,
    });
  }

  #faultFor(call: FakeCall): FakeFault {
    const fault = this.faults.find(({ method }) => method === call.method);
    if (fault === undefined) {
      const builds = call.method === 'build' ? { delayMs: 20 + Math.floor(this.#random() * 3_000) } : 'none';
      return call.method === 'start' ? { delayMs: Math.floor(this.#random() * 60) } : builds;
    }
    fault.times -= 1;
    if (fault.times <= 0) this.faults.splice(this.faults.indexOf(fault), 1);
    this.count(`fault: ${call.method} ${typeof fault.fault === 'string' ? fault.fault : 'slow'}`);
    return fault.fault;
  }

  #ports(
    parts: { clock: MortalClock; git: SimGit; store: Store; engines: readonly FakeEngine[] },
    isDead: () => boolean,
  ): Ports {
    const probe = fakeProbe(this.engine, this.clock);
    return {
      installation: 'simulation' as InstallationId,
      settings: SETTINGS,
      ...parts,
      engines: new Map(parts.engines.map((engine) => [engine.name, engine])),
      evaluator: { evaluate: evaluateSimConfig },
      available: () => null,
      probe: async (target, check, signal) => {
        const result: ProbeResult = await probe(target, check, signal);
        if (result.healthy) this.judge.onHealthy(target);
        return result;
      },
      gateways: this.gateway.connect(isDead),
      log: { info: () => {}, warn: () => this.count('warnings') },
      limits: { ...defaultLimits(4), drainMs: 30_000 },
      reach: (name) => {
        if (isDead()) return new Promise<never>(() => {});
        this.count(`boundary: ${name}`);
        const { trap } = this;
        if (trap?.boundary !== name) return undefined;
        trap.after -= 1;
        if (trap.after > 0) return undefined;
        this.trap = null;
        this.count(`crash at: ${name}`);
        this.crash();
        return new Promise<never>(() => {});
      },
      yieldTurn: () => Promise.resolve(),
    };
  }

  close(): void {
    this.#db.close();
  }
}

const SETTINGS = {
  configRepo: 'https://git.example.com/config',
  branch: 'main',
  domain: 'localhost',
  envDomain: 'env.localhost',
  publicUrl: 'http://localhost:8080',
  pollIntervalMs: 30_000,
  retainMs: RETAIN_MS,
} as Settings;

/** A small seeded generator: numbers from 0 to 1, the same for the same seed. */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
