import { canonicalJson } from '../../src/model/canonical.ts';
import type { InstanceId } from '../../src/model/ids.ts';
import { BOUNDARIES } from '../../src/reconcile/boundaries.ts';
import type { FakeFault } from '../../src/runtime/fake/fake-engine.ts';
import type { SimEvent } from './events.ts';
import { CONFIG_FILE, type SimApp, type SimConfig } from './sim-config.ts';
import type { Folder, SimRepo } from './sim-git.ts';
import { BEHAVIOUR_FILE, RETAIN_MS, SimWorld, type Tally } from './sim-world.ts';

/** What came of one history. */
export interface Outcome {
  /** What was broken first; empty if nothing was. */
  readonly violations: readonly string[];
  /** How far it got. */
  readonly at: string;
}

const SPECS: readonly SimApp['spec'][] = ['static', 'procfile', 'procfile', 'proxy'];
const MAX_POKES = 4;

/** Plays a history from the beginning to rest, and judges it at every step. */
export async function playHistory(events: readonly SimEvent[], seed: number, tally: Tally = {}): Promise<Outcome> {
  const world = new SimWorld(seed, tally);
  const player = new Player(world);
  const bad = (at: string): Outcome | null =>
    world.judge.violations.length > 0 ? { violations: world.judge.violations, at } : null;
  try {
    await world.clock.advance(200);
    for (const [index, event] of events.entries()) {
      world.count(`event: ${event.type}`);
      player.happen(event);
      await world.clock.advance(event.pauseMs);
      const outcome = bad(`event ${index + 1}`);
      if (outcome !== null) return outcome;
    }
    return bad('the last event') ?? (await player.rest()) ?? { violations: [], at: 'the end' };
  } finally {
    await world.clock.advance(0);
    world.close();
  }
}

class Player {
  readonly #world: SimWorld;
  #serial = 0;

  constructor(world: SimWorld) {
    this.#world = world;
  }

  /** Lets everything come to rest, and judges what is there; then again after the time of retention, and after one more restart. */
  async rest(): Promise<Outcome | null> {
    const world = this.#world;
    world.heal();
    for (const repo of world.sources) if (!repo.branches.has('main')) this.#restoreBranch(repo);
    for (let poke = 0; poke < MAX_POKES; poke++) {
      if (!(await this.#quiet())) return { violations: ['never came to rest'], at: `rest ${poke}` };
      if (!this.#poke()) break;
    }
    const judged = (at: string, look: () => void): Outcome | null => {
      look();
      return world.judge.violations.length > 0 ? { violations: world.judge.violations, at } : null;
    };
    const atRest = judged('rest', () => world.judge.atRest());
    if (atRest !== null) return atRest;
    await world.clock.advance(RETAIN_MS * 1.2);
    const later = judged('rest after the time of retention', () => {
      world.judge.atRest();
      world.judge.afterRetention();
    });
    return later ?? (await this.#restartAtRest(judged));
  }

  /** A restart at rest changes nothing: nothing is started, stopped or built. */
  async #restartAtRest(judged: (at: string, look: () => void) => Outcome | null): Promise<Outcome | null> {
    const world = this.#world;
    const before = JSON.stringify(world.engine.inventory());
    const effects = () =>
      ['start', 'stop', 'build', 'remove', 'removeArtifact', 'removeData']
        .map((method) => world.engine.calls[method] ?? 0)
        .join();
    const calls = effects();
    const head = canonicalJson([...world.recorded.deployments].sort(([a], [b]) => (a < b ? -1 : 1)));
    world.crash();
    await world.clock.advance(120_000);
    return judged('a restart at rest', () => {
      if (JSON.stringify(world.engine.inventory()) !== before) world.judge.violation('a restart changed what exists');
      if (effects() !== calls) world.judge.violation('a restart made an engine do something');
      const after = canonicalJson([...world.recorded.deployments].sort(([a], [b]) => (a < b ? -1 : 1)));
      if (after !== head) world.judge.violation(`a restart changed what is recorded: ${firstDifference(head, after)}`);
      world.judge.atRest();
    });
  }

  /** Waits until nothing is under way any more; false if that never happens. */
  async #quiet(): Promise<boolean> {
    for (let round = 0; round < 60; round++) {
      await this.#world.clock.advance(40_000);
      if (round > 1 && this.#isQuiet()) return true;
    }
    return false;
  }

  #isQuiet(): boolean {
    const { recorded, reconciler } = this.#world;
    if (reconciler.isPassing) return false;
    const settled = new Set(['held', 'quarantined']);
    // A deployment without a target waits for its source: nothing is under way.
    for (const { next } of recorded.deployments.values())
      if (next !== null && !settled.has(next.state) && (next.target !== null || next.state === 'removing'))
        return false;
    for (const { state } of recorded.instances.values()) if (state !== 'running') return false;
    for (const { state } of recorded.artifacts.values()) if (state !== 'built' && state !== 'failed') return false;
    return [...recorded.repos.values()].every(
      ({ error }) => error === null || error.code === 'git-path-missing' || error.code === 'git-ref-missing',
    );
  }

  /** Faults may have had an app quarantined that is good: somebody pushes a change, and then it must go live. Whether there was any. */
  #poke(): boolean {
    const { recorded, judge } = this.#world;
    const config = this.#world.configAt(recorded.config.accepted);
    const poked = (config?.apps ?? []).filter((app) => {
      const row = [...recorded.deployments.values()].find((candidate) => candidate.app === app.id);
      return row?.next?.state === 'quarantined' && !judge.isSick(app) && judge.folderOf(app) !== undefined;
    });
    for (const app of poked) this.#world.count(`poked: ${app.spec}`);
    if (poked.length === 0 || config === null) return false;
    const ids = new Set(poked.map((app) => app.id));
    this.#pushConfig(
      { ...config, apps: config.apps.map((app) => (ids.has(app.id) ? { ...app, timeoutMs: app.timeoutMs + 1 } : app)) },
      true,
    );
    return true;
  }

  // ── events ──

  happen(event: SimEvent): void {
    const world = this.#world;
    const until = (ms: number) => world.clock.now() + ms;
    switch (event.type) {
      case 'push':
        return this.#push(this.#source(event.repo), event.folder, event.behaviour, event.hint);
      case 'force-push':
        return this.#forcePush(this.#source(event.repo), event.back, event.hint);
      case 'delete-branch':
        world.sources[event.repo % 2]?.branches.delete('main');
        return;
      case 'restore-branch':
        return this.#restoreBranch(world.sources[event.repo % 2]);
      case 'delete-folder':
        return this.#deleteFolder(this.#source(event.repo), event.folder);
      case 'add-app':
      case 'change-app':
      case 'remove-app':
      case 'move-app':
      case 'change-policy':
        return this.#editConfig(event);
      case 'break-config':
        return this.#pushConfig({ ...this.#good(), broken: true }, event.hint);
      case 'mend-config':
        return this.#pushConfig(this.#good(), event.hint);
      case 'force-config':
        return this.#forcePush(world.config, event.back, event.hint);
      case 'remove-most':
        return this.#pushConfig(
          { ...this.#good(), apps: this.#good().apps.slice(0, event.keep), allowRemoval: null },
          true,
        );
      case 'allow-removal':
        return this.#allowRemoval();
      case 'listing-fault':
        this.#source(event.repo).fault = { kind: event.fault, until: until(event.ms) };
        return;
      case 'engine-fault':
        world.faults.push({ method: event.method, fault: faultOf(event.fault), times: event.times });
        return;
      case 'crash':
        return world.crash();
      case 'crash-at':
        world.trap = { boundary: BOUNDARIES[event.boundary % BOUNDARIES.length] ?? '', after: event.after };
        return;
      case 'kill':
        return this.#withInstance(event.which, (id) => world.engine.kill(id));
      case 'remove-by-hand':
        return this.#withInstance(event.which, (id) => world.engine.remove(id));
      case 'lose-artifact':
        return this.#loseArtifact(event.which);
      case 'lose-events':
        world.losesEventsUntil = until(event.ms);
        return;
      case 'disk-full':
        world.diskFullUntil = until(event.ms);
        return;
      case 'deaf-gateway':
        world.gateway.deafUntil = until(event.ms);
        return;
      case 'gap':
        world.engine.publish({ kind: 'gap' });
        return;
      case 'forged-hint':
        for (const repo of [world.config, ...world.sources]) for (let times = 0; times < 3; times++) repo.hint();
        return;
      case 'request':
        return this.#request(event.which, event.ms);
      case 'wait':
        void world.clock.sleep(event.ms);
        return;
    }
  }

  #source(index: number): SimRepo {
    return [...this.#world.sources, this.#world.config][index % 3] ?? this.#world.config;
  }

  #push(repo: SimRepo, folder: number, behaviour: 'ok' | 'slow' | 'crashy' | 'sick', hint: boolean): void {
    const content: Folder = {
      'index.html': `revision ${++this.#serial}`,
      Procfile: 'web: serve',
      [BEHAVIOUR_FILE]: behaviour,
    };
    this.#world.setBehaviour(content, behaviour);
    repo.push({ folders: { ...repo.tip()?.folders, [`apps/${folder}`]: content } });
    if (hint) repo.hint();
  }

  #forcePush(repo: SimRepo, back: number, hint: boolean): void {
    const past = repo.history.at(-1 - back) ?? repo.history[0];
    if (past !== undefined) repo.reset('main', past.commit);
    if (hint) repo.hint();
  }

  #restoreBranch(repo: SimRepo | undefined): void {
    const last = repo?.history.at(-1);
    if (repo !== undefined && last !== undefined) repo.reset('main', last.commit);
  }

  #deleteFolder(repo: SimRepo, folder: number): void {
    // The evaluator refuses a config that names a folder of its own that isn't there.
    if (repo === this.#world.config) return;
    const folders = { ...repo.tip()?.folders };
    delete folders[`apps/${folder}`];
    repo.push({ folders: { '': {}, ...folders } });
  }

  /** The newest config that evaluates. */
  #good(): SimConfig {
    const { config } = this.#world;
    for (const { commit } of config.history.toReversed()) {
      const found = this.#world.configAt(commit);
      if (found?.broken === false) return found;
    }
    return { broken: false, allowRemoval: null, apps: [] };
  }

  #pushConfig(next: SimConfig, hint: boolean): void {
    const { config } = this.#world;
    const folders = config.tip()?.folders ?? {};
    config.push({
      folders: { ...folders, '': { [CONFIG_FILE]: JSON.stringify(next), nonce: String(++this.#serial) } },
    });
    if (hint) config.hint();
  }

  #editConfig(
    event: Extract<SimEvent, { type: 'add-app' | 'change-app' | 'remove-app' | 'move-app' | 'change-policy' }>,
  ): void {
    const config = this.#good();
    const { apps } = config;
    const chosen = apps[event.app % Math.max(1, apps.length)];
    const replace = (changed: SimApp) => apps.map((app) => (app === chosen ? changed : app));
    const edited = (): readonly SimApp[] => {
      if (event.type === 'add-app') return this.#withApp(apps, event);
      if (chosen === undefined) return apps;
      if (event.type === 'remove-app') return apps.filter((app) => app !== chosen);
      if (event.type === 'change-app') return replace({ ...chosen, params: event.value });
      if (event.type === 'change-policy') return replace({ ...chosen, timeoutMs: 50_000 + event.value * 2_000 });
      const path = `/moved-${event.value}`;
      return apps.some((app) => app.path === path) ? apps : replace({ ...chosen, path });
    };
    this.#pushConfig({ ...config, apps: edited(), allowRemoval: null }, event.hint);
  }

  #withApp(apps: readonly SimApp[], event: Extract<SimEvent, { type: 'add-app' }>): readonly SimApp[] {
    const id = `app-${event.app}`;
    const path = apps.some((app) => app.path === `/${id}`) ? `/other-${event.app}` : `/${id}`;
    if (apps.some((app) => app.id === id || app.path === path)) return apps;
    const spec = SPECS[event.spec % SPECS.length] ?? 'static';
    const repo = spec === 'proxy' ? '-' : event.repo === 2 ? '' : (this.#world.sources[event.repo]?.url ?? '');
    const folder = `apps/${event.folder}`;
    if (repo === '' && this.#world.config.tip()?.folders[folder] === undefined) return apps;
    return [...apps, { id, path, spec, repo, folder, params: 0, timeoutMs: 60_000, verify: event.app !== 7 }];
  }

  #allowRemoval(): void {
    const [release] = this.#world.recorded.releases.values();
    this.#pushConfig({ ...this.#good(), allowRemoval: release?.removalHash ?? null }, true);
  }

  #withInstance(which: number, act: (id: InstanceId) => void): void {
    const ids = [...this.#world.engine.instances.keys()];
    const id = ids[which % Math.max(1, ids.length)];
    if (id !== undefined) act(id);
  }

  #loseArtifact(which: number): void {
    const keys = [...this.#world.engine.artifacts.keys()];
    const key = keys[which % Math.max(1, keys.length)];
    if (key !== undefined) this.#world.engine.loseArtifact(key);
  }

  #request(which: number, ms: number): void {
    const paths = [...this.#world.gateway.table.values()].map((row) => row.path);
    const path = paths[which % Math.max(1, paths.length)];
    if (path !== undefined) void this.#world.gateway.request(path, ms);
  }
}

function faultOf(name: 'fail-before' | 'fail-after' | 'hang' | 'slow'): FakeFault {
  return name === 'slow' ? { delayMs: 9_000 } : name;
}

function firstDifference(before: string, after: string): string {
  let at = 0;
  while (before[at] === after[at]) at += 1;
  const around = (text: string) => text.slice(Math.max(0, at - 80), at + 80);
  return `${around(before)} → ${around(after)}`;
}
