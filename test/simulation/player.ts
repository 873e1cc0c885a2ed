import type { InstanceId } from '../../src/model/ids.ts';
import { BOUNDARIES } from '../../src/reconcile/boundaries.ts';
import { BranchPlayer, codeOf, editContext } from './branch-player.ts';
import { type AppEvent, editApps } from './config-edits.ts';
import type { Behaviour, BranchEvent, Hint, Interruptible, SimEvent } from './events.ts';
import { CONFIG_FILE, FIRST_CONFIG, type SimConfig } from './sim-config.ts';
import type { SimRepo } from './sim-git.ts';
import type { SimWorld } from './sim-world.ts';

/** What main may say of previews and releases. */
const LIMITS: readonly Partial<SimConfig>[] = [
  { previews: FIRST_CONFIG.previews },
  { previews: { ...FIRST_CONFIG.previews, max: 1 } },
  { previews: { ...FIRST_CONFIG.previews, branches: ['b-*'] } },
  { previews: { ...FIRST_CONFIG.previews, branches: [] } },
  { previews: { ...FIRST_CONFIG.previews, asleep: true } },
  { atomic: false },
  { atomic: true },
];

/** Longer than anything is drained. */
const LONG_REQUEST_MS = 60_000;

/** Makes the events of a history happen to a world. */
export class Player {
  readonly #world: SimWorld;

  readonly #branches: BranchPlayer;

  constructor(world: SimWorld) {
    this.#world = world;
    this.#branches = new BranchPlayer(world);
  }

  happen(event: SimEvent): void {
    const world = this.#world;
    const until = (ms: number) => world.clock.now() + ms;
    switch (event.type) {
      case 'push':
        this.push(this.#repo(event.repo), `apps/${event.folder}`, event.behaviour, event.hint);
        return;
      case 'force-push':
        this.#forcePush(this.#repo(event.repo), event.back, event.hint);
        return;
      case 'revert':
        this.#revert(this.#repo(event.repo), event.back, event.hint);
        return;
      case 'delete-branch':
        world.sources[event.repo % 2]?.branches.delete('main');
        return;
      case 'restore-branch':
        this.restoreBranch(world.sources[event.repo % 2]);
        return;
      case 'delete-folder':
        this.#deleteFolder(this.#repo(event.repo), event.folder);
        return;
      case 'add-app':
      case 'change-app':
      case 'remove-app':
      case 'move-app':
      case 'trade-routes':
      case 'pin-app':
      case 'change-policy':
      case 'change-health':
      case 'change-idle':
        this.#editApps(event);
        return;
      case 'break-config':
        this.pushConfig({ ...this.#good(), broken: true }, event.hint);
        return;
      case 'mend-config':
        this.pushConfig(this.#good(), event.hint);
        return;
      case 'force-config':
        this.#forcePush(world.config, event.back, event.hint);
        return;
      case 'remove-most':
        this.pushConfig({ ...this.#good(), apps: this.#good().apps.slice(0, event.keep), allowRemoval: null });
        return;
      case 'allow-removal':
        this.#allowRemoval(event.alsoDrops);
        return;
      case 'change-limits':
        this.pushConfig({ ...this.#good(), ...LIMITS[event.value % LIMITS.length], allowRemoval: null }, event.hint);
        return;
      case 'branch':
      case 'push-branch':
      case 'edit-branch':
      case 'merge':
      case 'drop-branch':
        this.#branches.happen(event, (repo, hint) => this.#hint(repo, hint));
        return;
      default:
        this.#fault(event, until);
        return;
    }
  }

  #fault(event: Exclude<SimEvent, AppEvent | { type: BranchEvent['type'] }>, until: (ms: number) => number): void {
    const world = this.#world;
    switch (event.type) {
      case 'listing-fault':
        this.#repo(event.repo).fault = { kind: event.fault, until: until(event.ms) };
        return;
      case 'outage':
        for (const repo of [world.config, ...world.sources]) repo.fault = { kind: event.fault, until: until(event.ms) };
        return;
      case 'engine-fault':
        world.faults.add(event.method, event.fault, event.times);
        return;
      case 'crash':
        world.crash();
        return;
      case 'crash-at':
        world.trap = { boundary: BOUNDARIES[event.boundary % BOUNDARIES.length] ?? '', after: event.after };
        return;
      case 'crash-at-write':
        world.writeTrap = { after: event.after, fate: event.written ? 'dies-after' : 'dies-before' };
        return;
      case 'fail-write':
        world.writeTrap = { after: event.after, fate: 'full' };
        return;
      case 'stray':
        world.stray(event.what);
        return;
      case 'kill':
        this.#withInstance(event.which, (id) => world.engine.kill(id));
        return;
      case 'remove-by-hand':
        this.#withInstance(event.which, (id) => world.engine.remove(id));
        return;
      case 'pause-by-hand':
        this.#withInstance(event.which, (id) => world.freezeByHand(id, { paused: true }));
        return;
      case 'resume-by-hand':
        this.#withPaused(event.which, (id) => world.freezeByHand(id, { paused: false }));
        return;
      case 'lose-artifact':
        this.#loseArtifact(event.which);
        return;
      default:
        this.#outside(event, until);
        return;
    }
  }

  #outside(event: Exclude<SimEvent, { type: BranchEvent['type'] }>, until: (ms: number) => number): void {
    const world = this.#world;
    switch (event.type) {
      case 'lose-events':
        world.losesEventsUntil = until(event.ms);
        return;
      case 'disk-full':
        world.diskFullUntil = until(event.ms);
        return;
      case 'memory-short':
        world.pressedUntil = until(event.ms);
        return;
      case 'deaf-gateway':
        world.gateway.deafUntil = until(event.ms);
        return;
      case 'gap':
        world.engine.publish({ kind: 'gap' });
        return;
      case 'forged-hint':
        for (const repo of [world.config, ...world.sources]) for (let times = 0; times < 3; times++) repo.hint();
        world.count('hint: forged');
        return;
      case 'interrupt':
        world.interrupt = { at: event.at, act: (app) => this.#interrupt(event.at, app) };
        return;
      case 'request':
        this.#request(event.which, event.ms);
        return;
      default:
        return;
    }
  }

  /** Pushes code of that behaviour to a folder. */
  push(repo: SimRepo, folder: string, behaviour: Behaviour, hint: Hint = 'given'): void {
    const world = this.#world;
    const content = codeOf(world, behaviour);
    repo.push({ folders: { ...repo.tip()?.folders, [folder]: content } });
    this.#hint(repo, hint);
  }

  /** Pushes another text of the config file. */
  pushConfig(next: SimConfig, hint: Hint = 'given', branch = 'main'): void {
    const { config } = this.#world;
    const folders = config.tip(branch)?.folders ?? {};
    const nonce = String(this.#world.nextSerial());
    config.push({ folders: { ...folders, '': { [CONFIG_FILE]: JSON.stringify(next), nonce } } }, branch);
    this.#hint(config, hint);
  }

  restoreBranch(repo: SimRepo | undefined): void {
    const last = repo?.history.findLast(({ branch }) => branch === 'main');
    if (repo !== undefined && last !== undefined) repo.reset('main', last.commit);
  }

  #hint(repo: SimRepo, hint: Hint): void {
    this.#world.count(`hint: ${hint}`);
    if (hint === 'lost') return;
    repo.hint();
    if (hint === 'doubled') repo.hint();
  }

  #repo(index: number): SimRepo {
    return [...this.#world.sources, this.#world.config][index % 3] ?? this.#world.config;
  }

  #forcePush(repo: SimRepo, back: number, hint: Hint): void {
    const past = repo.mains.at(-1 - back) ?? repo.mains[0];
    if (past !== undefined) repo.reset('main', past.commit);
    this.#hint(repo, hint);
  }

  /** A new commit with what an older one had. */
  #revert(repo: SimRepo, back: number, hint: Hint): void {
    const past = repo.mains.at(-1 - back) ?? repo.mains[0];
    const folders = past === undefined ? undefined : repo.commits.get(past.commit)?.folders;
    if (folders === undefined || !repo.branches.has('main')) return;
    repo.push({ folders });
    this.#hint(repo, hint);
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
    for (const { commit, branch } of config.history.toReversed()) {
      if (branch !== 'main') continue;
      const found = this.#world.configAt(commit);
      if (found?.broken === false) return found;
    }
    return FIRST_CONFIG;
  }

  #editApps(event: AppEvent): void {
    const config = this.#good();
    const folders = this.#world.config.tip()?.folders ?? {};
    const apps = editApps(config.apps, event, editContext(this.#world, folders));
    this.pushConfig({ ...config, apps, allowRemoval: null }, event.hint);
  }

  #interrupt(at: Interruptible, probed: string | undefined): void {
    const { deployments, retained } = this.#world.recorded;
    const inState = (state: string) => [...deployments.values()].find(({ next }) => next?.state === state)?.app;
    if (at === 'probe' && probed !== undefined) this.#changeHealthOf(probed);
    if (at === 'switching') this.#beforeSwitch();
    if (at === 'dozing') this.#world.gateway.requestEverywhere(LONG_REQUEST_MS);
    if (at === 'accepting') this.#bringBack(this.#undeclared() ?? '');
    if (at === 'retiring') this.#bringBack(inState('removing') ?? '');
    if (at === 'purge:after-intent')
      this.#bringBack([...retained.values()].find(({ state }) => state === 'removing')?.app ?? '');
  }

  /** What was verified dies, or is to be verified by other rules. */
  #beforeSwitch(): void {
    const ready = [...this.#world.recorded.deployments.values()].find(({ next }) => next?.state === 'ready');
    if (ready?.next?.instance == null) return;
    if (this.#world.random(2) === 0) {
      this.#changeHealthOf(ready.app);
      return;
    }
    this.#world.count('killed before the switch');
    this.#world.tell(`  ${ready.next.instance} is killed`);
    this.#world.engine.kill(ready.next.instance);
  }

  /** An app that is live and not declared any more. */
  #undeclared(): string | undefined {
    const declared = new Set(this.#good().apps.map(({ id }) => id));
    return [...this.#world.recorded.deployments.values()].find(({ app, live }) => live !== null && !declared.has(app))
      ?.app;
  }

  /** Declares an app again as it was declared last. */
  #bringBack(id: string): void {
    const { config } = this.#world;
    const good = this.#good();
    const last = config.history
      .toReversed()
      .map(({ commit }) => this.#world.configAt(commit)?.apps.find((app) => app.id === id))
      .find((app) => app !== undefined);
    if (last === undefined || good.apps.some((app) => app.id === id || app.path === last.path)) return;
    this.#world.count('brought back in time');
    this.pushConfig({ ...good, apps: [...good.apps, last], allowRemoval: null });
  }

  #changeHealthOf(id: string): void {
    const config = this.#good();
    const app = config.apps.find((candidate) => candidate.id === id);
    if (app === undefined) return;
    this.#world.count('health changed in time');
    const changed = { ...app, health: app.health === '/' ? '/deep' : '/' };
    const apps = config.apps.map((candidate) => (candidate === app ? changed : candidate));
    this.pushConfig({ ...config, apps, allowRemoval: null });
  }

  /** Says the word that lets a held set of removals through; if it drops an app as well, the word does not fit any more. */
  #allowRemoval(alsoDrops: boolean): void {
    const release = [...this.#world.recorded.releases.values()].find(({ removalHash }) => removalHash !== null);
    const { apps } = this.#good();
    if (release !== undefined) this.#world.count(`allowed: ${alsoDrops ? 'another set' : 'the held set'}`);
    this.pushConfig({
      ...this.#good(),
      apps: alsoDrops ? apps.slice(1) : apps,
      allowRemoval: release?.removalHash ?? null,
    });
  }

  #withInstance(which: number, act: (id: InstanceId) => void): void {
    const ids = this.#world.instanceIds;
    const id = ids[which % Math.max(1, ids.length)];
    if (id !== undefined) act(id);
  }

  #withPaused(which: number, act: (id: InstanceId) => void): void {
    const ids = this.#world.instanceIds.filter((id) => this.#world.engine.instances.get(id)?.paused === true);
    const id = ids[which % Math.max(1, ids.length)];
    if (id !== undefined) act(id);
  }

  #loseArtifact(which: number): void {
    const keys = [...this.#world.engine.artifacts.keys()];
    const key = keys[which % Math.max(1, keys.length)];
    if (key === undefined) return;
    this.#world.lost.add(key);
    this.#world.engine.loseArtifact(key);
  }

  #request(which: number, ms: number): void {
    const { gateway } = this.#world;
    const there = [...gateway.places.values()].filter(
      ({ host, path }) => gateway.isAsleepAt(host, path) || gateway.servedAt(host, path) !== undefined,
    );
    const place = there[which % Math.max(1, there.length)];
    if (place === undefined) return;
    if (gateway.isAsleepAt(place.host, place.path)) this.#world.count('waits for what is asleep');
    void gateway.request(place.path, ms, place.host);
  }
}
