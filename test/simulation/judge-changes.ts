import { canonicalJson } from '../../src/model/canonical.ts';
import type { ArtifactKey, InstanceId } from '../../src/model/ids.ts';
import type { RecordedDeployment, RecordedInstance } from '../../src/model/recorded.ts';
import type { RouteTarget } from '../../src/model/routing.ts';
import type { RefListing } from '../../src/model/source.ts';
import type { Change } from '../../src/store/changes.ts';
import type { RecordedView } from '../../src/store/recorded.ts';
import { RemovalBrake } from './judge-brake.ts';
import { judgeEvents } from './judge-events.ts';
import { PreviewJudge } from './judge-previews.ts';
import { ProdJudge } from './judge-prod.ts';
import type { Model } from './model.ts';
import { Shadow } from './shadow.ts';
import { RESTART_MS } from './sim-settings.ts';
import type { SimWorld } from './sim-world.ts';
import type { Verdict } from './verdict.ts';

type Live = NonNullable<RecordedDeployment['live']>;
type Target = Live['target'];
type Put<T extends string> = Extract<Change, { put: T }>['row'];

/** Looks at every transaction: what it wrote, what was there before, and what is recorded after it. */
export class ChangeJudge {
  readonly #world: SimWorld;
  readonly #model: Model;
  readonly #verdict: Verdict;
  readonly #shadow = new Shadow();
  readonly #brake: RemovalBrake;
  readonly #routeGenerations = new Map<string, number>();
  readonly #places = new Map<string, string>();
  /** By who answers: the paths at which it was seen healthy. */
  readonly #healthy = new Map<string, Set<string>>();
  /** By environment and app: the target that was quarantined, and what was wanted then; gone once something else is wanted. */
  readonly #quarantined = new Map<string, { readonly target: string; readonly description: string }>();
  /** When an instance stopped being what is live. */
  readonly #retired = new Map<string, number>();
  /** The artifacts that each deployment ran, newest first. */
  readonly #past = new Map<string, readonly ArtifactKey[]>();
  /** The last listings that were recorded of each repo, newest first. */
  readonly #listings = new Map<string, readonly RefListing[]>();
  readonly #ending = new Set<string>();
  readonly #previews: PreviewJudge;
  readonly #prod: ProdJudge;
  /** The revisions that stage ever had live, by app. */
  readonly #staged = new Map<string, Set<string>>();
  #generation = 0;

  constructor(world: SimWorld, model: Model, verdict: Verdict) {
    this.#world = world;
    this.#model = model;
    this.#verdict = verdict;
    this.#brake = new RemovalBrake(model, verdict);
    this.#previews = new PreviewJudge(world, model, verdict);
    this.#prod = new ProdJudge(world, verdict);
  }

  onHealthy(target: RouteTarget, path: string): void {
    const who = this.#answering(target);
    this.#healthy.set(who, (this.#healthy.get(who) ?? new Set()).add(path));
  }

  /** Whether this very target of the app was quarantined, and nothing else has been wanted since. */
  isQuarantined(place: string, target: Target | null | undefined): boolean {
    return this.#quarantined.get(place)?.target === identityOf(target);
  }

  /** What was recorded of a deployment before the transaction that is judged now. */
  before({ env, app }: RecordedDeployment): RecordedDeployment | undefined {
    return this.#shadow.deployments.get(`${env} ${app}`);
  }

  /** How an instance was before the transaction that is being judged. */
  instanceBefore(id: InstanceId): RecordedInstance | undefined {
    return this.#shadow.instances.get(id);
  }

  /** The artifacts that a deployment ran, newest first, each once. */
  pastOf(dataName: string): readonly ArtifactKey[] {
    return this.#past.get(dataName) ?? [];
  }

  /** When the instance stopped being what is live; undefined if it never was, or still is. */
  retiredAt(id: InstanceId): number | undefined {
    return this.#retired.get(id);
  }

  /** A restart finds what was recorded before it. */
  onBoot(recorded: RecordedView, { isTorn }: { readonly isTorn: boolean }): void {
    if (!isTorn)
      for (const difference of this.#shadow.differences(recorded))
        this.#verdict.violation(`a restart found something else than was recorded: ${difference}`);
    for (const [key, { live }] of this.#shadow.deployments) {
      const now = recorded.deployments.get(key)?.live;
      const isRetired = now?.instance !== live?.instance || (now?.suspended === true && live?.suspended === false);
      if (live !== null && isRetired) this.#retired.set(live.instance, this.#world.clock.now() - RESTART_MS);
    }
    this.#onLost(recorded);
    this.#shadow.load(recorded);
    this.#brake.onBoot(recorded);
    for (const row of recorded.repos.values()) this.#note(row);
    for (const row of recorded.environments.values()) this.#onEnvironment(row);
    for (const row of recorded.deployments.values()) {
      this.#ran(row);
      this.#notePlace(row);
    }
    this.#model.accepted = recorded.config.accepted;
    this.#prod.onAccepted(recorded.config.accepted);
    if (isTorn) this.#release(recorded);
  }

  /** What the last write of the life before dropped without anybody having heard of it. */
  #onLost(recorded: RecordedView): void {
    const { repos, environments, deployments } = this.#shadow;
    for (const repo of repos.keys()) if (!recorded.repos.has(repo)) this.#onForgotten(repo);
    for (const name of environments.keys()) if (!recorded.environments.has(name)) this.#onClosed(name);
    for (const [key, row] of deployments) if (!recorded.deployments.has(key)) this.#onGone(row, recorded);
  }

  onChange(changes: readonly Change[], recorded: RecordedView): void {
    this.#verdict.expect(recorded.generation >= this.#generation, () => 'the generation went back');
    this.#generation = recorded.generation;
    for (const change of changes) if ('put' in change && change.put === 'config') this.#onConfig(change.row.accepted);
    for (const change of changes) this.#onRow(change, recorded);
    judgeEvents(changes, this.#shadow, this.#verdict);
    this.#brake.onChange(changes, this.#shadow.deployments, recorded.deployments);
    for (const change of changes) this.#onEvent(change, recorded);
    this.#onReleases(changes, recorded);
    this.#shadow.apply(changes);
    this.#release(recorded);
  }

  #onRow(change: Change, recorded: RecordedView): void {
    if ('audit' in change) return;
    if ('drop' in change) {
      if (change.drop === 'deployment') this.#onGone(change.row, recorded);
      if (change.drop === 'retained') this.#onRetainedGone(change.row, recorded);
      if (change.drop === 'repo') this.#onForgotten(change.row.repo);
      if (change.drop === 'environment') this.#onClosed(change.row.name);
      return;
    }
    if (change.put === 'route') this.#onRoute(change.row, recorded);
    if (change.put === 'deployment') {
      this.#onWanted(change.row);
      this.#onDeployment(change.row, recorded);
    }
    if (change.put === 'repo') this.#onRepo(change.row);
    if (change.put === 'environment') this.#onEnvironment(change.row);
    if (change.put === 'source') this.#onSource(change.row);
    if (change.put === 'artifact') this.#onArtifact(change.row, recorded);
    if (change.put === 'retained') this.#onRetained(change.row, recorded);
  }

  #onEvent(change: Change, recorded: RecordedView): void {
    if (!('audit' in change)) return;
    const { kind, env, app, detail } = change.audit;
    this.#world.tell(`  audit: ${kind} ${env ?? ''} ${app ?? ''} ${canonicalJson(detail).slice(0, 120)}`);
    if (app === null || env === null) return;
    // What is parked is tried again once it is wanted again.
    if (kind === 'deployment.parked') this.#quarantined.delete(`${env} ${app}`);
    if (kind === 'deployment.quarantined') {
      const target = identityOf(recorded.deployment(env, app)?.next?.target);
      this.#quarantined.set(`${env} ${app}`, { target, description: this.#model.description(app, env, recorded) });
    }
    if (kind === 'deployment.removing' && (env === 'prod' || env === 'stage'))
      this.#verdict.expect(
        this.#model.declared(app) === undefined || (env === 'stage' && this.#model.declared(app)?.stage === false),
        () => `${app}: is being removed although it is declared`,
      );
  }

  /** What switches with a release leaves none of its members behind. */
  #onReleases(changes: readonly Change[], recorded: RecordedView): void {
    const switched = new Set(
      changes.flatMap((change) =>
        'audit' in change && SWITCHES.has(change.audit.kind) ? [String(change.audit.detail.release ?? '')] : [],
      ),
    );
    for (const row of this.#shadow.deployments.values()) {
      const release = row.next?.release ?? '';
      if (release === '' || !switched.has(release)) continue;
      const after = recorded.deployments.get(`${row.env} ${row.app}`);
      const isDone = after?.next == null || (after.next.removes && after.live === null);
      this.#verdict.expect(isDone, () => `release ${release}: is split, ${row.app} in ${row.env} is left behind`);
    }
  }

  /** Whatever differs from what it was when it was quarantined may be tried. */
  #release(recorded: RecordedView): void {
    for (const [place, { description }] of this.#quarantined) {
      const gap = place.indexOf(' ');
      const now = this.#model.description(place.slice(gap + 1), place.slice(0, gap), recorded);
      if (now !== description) this.#quarantined.delete(place);
    }
  }

  #onRoute(row: Put<'route'>, recorded: RecordedView): void {
    const key = `${row.host} ${row.path}`;
    this.#verdict.expect(
      row.generation > (this.#routeGenerations.get(key) ?? 0),
      () => `route ${key}: generation ${row.generation} is not newer`,
    );
    this.#routeGenerations.set(key, row.generation);
    if (row.serve === null) return;
    const { instance, target } = row.serve;
    this.#verdict.expect(
      target.kind !== 'down' || recorded.deployment(row.env, row.app)?.live?.condition != null,
      () => `route ${key}: is down although nothing is wrong`,
    );
    this.#verdict.expect(
      target.kind !== 'held' || recorded.deployment(row.env, row.app)?.live?.suspended === true,
      () => `route ${key}: is held although nothing makes room for another`,
    );
    this.#verdict.expect(
      recorded.deployment(row.env, row.app)?.live?.instance === instance,
      () => `route ${key}: leads to ${instance}, which is not what is live`,
    );
    this.#verdict.expect(recorded.instances.has(instance), () => `route ${key}: ${instance} is not recorded`);
  }

  /** Of a preview another thing is wanted as soon as its branch says so, here or in another repo. */
  #onWanted({ env, app, next }: RecordedDeployment): void {
    const place = `${env} ${app}`;
    const isOther = next?.target != null && !this.isQuarantined(place, next.target);
    if (isOther && env !== 'prod' && env !== 'stage') this.#quarantined.delete(place);
  }

  /** Where an app was live last, or was to be. */
  placeOf({ env, app }: Pick<RecordedDeployment, 'env' | 'app'>): string | undefined {
    return this.#places.get(`${env} ${app}`);
  }

  #notePlace({ env, app, live, next }: RecordedDeployment): void {
    const policy = (live ?? next)?.target?.policy;
    if (policy !== undefined) this.#places.set(`${env} ${app}`, `${policy.host} ${policy.path}`);
    // What is on its way out belongs nowhere, though it may be wanted again.
    else if (next?.removes === true) this.#places.delete(`${env} ${app}`);
  }

  #onDeployment(row: RecordedDeployment, recorded: RecordedView): void {
    this.#notePlace(row);
    const before = this.#shadow.deployments.get(`${row.env} ${row.app}`)?.live ?? null;
    const { live } = row;
    // What makes room for its replacement is drained from then on.
    if (live?.suspended === true && before?.suspended !== true)
      this.#retired.set(live.instance, this.#world.clock.now());
    // What made room already has been drained since then.
    if (before !== null && before.instance !== live?.instance && before.suspended !== true)
      this.#retired.set(before.instance, this.#world.clock.now());
    if (live === null) {
      this.#verdict.expect(
        before === null || row.next?.state === 'removing' || recorded.environments.get(row.env)?.parked != null,
        () => `${row.app}: was live and is not, without being removed or parked`,
      );
      return;
    }
    this.#verdict.expect(
      recorded.instances.has(live.instance),
      () => `${row.app}: live on ${live.instance}, which is not recorded`,
    );
    if (live.condition !== null) this.#onDown(row, live, recorded);
    if (row.env === 'prod' && live.target !== before?.target) this.#prod.onLive(row, live.target);
    if (before !== null && before.instance === live.instance) {
      this.#verdict.expect(before.generation === live.generation, () => `${row.app}: its generation changed by itself`);
      return;
    }
    this.#verdict.expect(
      live.generation > (before?.generation ?? 0),
      () => `${row.app}: an older target (${live.generation}) took the place of a newer one (${before?.generation})`,
    );
    this.#ran(row);
    this.#onSwitch(row, live);
  }

  /** Nobody is led to what ended by itself: requests wait for it. */
  #onDown({ env, app }: RecordedDeployment, { target }: Live, recorded: RecordedView): void {
    this.#world.count('down');
    const route = recorded.route(target.policy.host, target.policy.path);
    const isOwn = route?.env === env && route.app === app;
    const kind = route?.serve?.target.kind;
    this.#verdict.expect(
      !isOwn || (kind !== 'http' && kind !== 'static'),
      () => `${app} in ${env}: is down and served`,
    );
  }

  #ran({ dataName, env, app, live }: RecordedDeployment): void {
    if (live === null) return;
    if (env === 'stage') this.#staged.set(app, (this.#staged.get(app) ?? new Set()).add(live.target.revision));
    // Whether an app is staged is what main says; the target says it too, as of when it was wanted.
    const isStaged = env === 'prod' && live.target.policy.after === 'stage';
    this.#verdict.expect(
      !isStaged || this.#staged.get(app)?.has(live.target.revision) === true,
      () => `${app}: live in production with a revision that never was live in stage`,
    );
    const { artifact } = live.target;
    const others = this.pastOf(dataName).filter((key) => key !== artifact);
    this.#past.set(dataName, [artifact, ...others]);
  }

  /** Nothing goes live that did not answer as its own policy wants it. */
  #onSwitch(row: RecordedDeployment, live: Live): void {
    const { verify, health } = live.target.policy;
    this.#verdict.expect(
      verify === false || this.wasHealthy(live),
      () => `${row.app}: live on ${live.instance}, which was not seen healthy at ${health.path} since it was started`,
    );
  }

  /** Whether what is live was seen healthy, at its own path, since it was last started. */
  wasHealthy({ instance, target }: Live): boolean {
    const route = this.#world.recorded.instances.get(instance)?.route;
    const seen = route == null ? undefined : this.#healthy.get(this.#answering(route));
    return seen?.has(target.policy.health.path) === true;
  }

  /** Who answers at an address: of a process, one start of it; files and addresses elsewhere are always the same. */
  #answering(target: RouteTarget): string {
    if (target.kind === 'static') return target.root;
    const attempt = target.external ? '' : this.#world.engine.findByUrl(target.url)?.attempt;
    return `${target.url} ${attempt}`;
  }

  #onConfig(accepted: string | null): void {
    const model = this.#model;
    if (accepted === model.accepted) return;
    model.accepted = accepted;
    this.#prod.onAccepted(accepted);
    this.#verdict.expect(
      model.config !== null && !model.config.broken,
      () => `accepted a commit that does not evaluate: ${accepted}`,
    );
    this.#verdict.expect(
      this.#world.config.shown.has(accepted as never),
      () => `accepted a commit that no listing named: ${accepted}`,
    );
  }

  /** What is recorded as a listing was answered once; and it is never older than the one before. */
  #onRepo(row: Put<'repo'>): void {
    const repo = this.#repo(row.repo);
    const { listing } = row;
    if (listing === null) return;
    this.#verdict.expect(
      repo?.answers.has(canonicalJson(listing as never)) === true,
      () => `${row.repo}: a listing is recorded that was never given`,
    );
    this.#note(row);
    const before = this.#shadow.repos.get(row.repo)?.listing?.asOf ?? 0;
    this.#verdict.expect(listing.asOf >= before, () => `${row.repo}: an older listing took the place of a newer one`);
    this.#onMoved(row, listing);
  }

  /** A branch moved when a look was asked for that saw it for the first time: no sooner than the one before, and no later than the listing. */
  #onMoved({ repo, movedAt, baseline }: Put<'repo'>, listing: RefListing): void {
    const known = this.#shadow.repos.get(repo);
    for (const [branch, commit] of Object.entries(listing.branches)) {
      const at = movedAt[branch];
      const isSame = known?.listing?.branches[branch] === commit;
      const isRight =
        baseline?.[branch] === commit
          ? at === undefined
          : isSame
            ? at === known?.movedAt[branch]
            : at !== undefined && at <= listing.asOf && at >= Math.max(0, ...Object.values(known?.movedAt ?? {}));
      this.#verdict.expect(isRight, () => `${repo}: branch "${branch}" is said to have moved at ${at}`);
    }
  }

  #note({ repo, listing, movedAt }: Pick<Put<'repo'>, 'repo' | 'listing' | 'movedAt'>): void {
    if (listing === null) return;
    this.#model.previews.onListing({ repo, listing, movedAt });
    this.#prod.onListing(listing);
    const last = this.#listings.get(repo) ?? [];
    if (last[0] !== listing) this.#listings.set(repo, [listing, ...last].slice(0, 6));
  }

  #onForgotten(repo: string): void {
    this.#listings.delete(repo);
    this.#model.previews.onForgotten(repo);
  }

  #onEnvironment(row: Put<'environment'>): void {
    this.#model.previews.onEnvironment(row);
    if (row.kind === 'preview') this.#previews.onGoodConfig(row, this.#shadow.environments.get(row.name));
    if (row.endingSince !== null && !this.#ending.has(row.name)) {
      const rows = [...this.#shadow.deployments.values()].filter(({ env }) => env === row.name);
      this.#previews.onEnding(row, new Set(rows.map(({ app }) => app)), this.#listings);
    }
    if (row.endingSince === null) this.#ending.delete(row.name);
    else this.#ending.add(row.name);
  }

  #onClosed(name: string): void {
    this.#model.previews.onRemoved(name);
    this.#ending.delete(name);
  }

  #onSource(row: Put<'source'>): void {
    const before = this.#shadow.sources.get(row.key)?.resolved ?? null;
    this.#verdict.expect(
      before === null || row.resolved !== null,
      () => `source ${row.key}: what was known of it is lost, because of ${row.problem?.code}`,
    );
    const commit = row.resolved?.commit;
    this.#verdict.expect(
      commit === undefined || this.#repo(row.repo)?.shown.has(commit) === true || this.#model.isPinned(commit),
      () => `source ${row.key}: at ${commit}, which no listing named`,
    );
  }

  #repo(url: string) {
    return [this.#world.config, ...this.#world.sources].find((repo) => repo.url === url);
  }

  #onArtifact(row: Put<'artifact'>, recorded: RecordedView): void {
    const was = this.#shadow.artifacts.get(row.key)?.state;
    const { artifacts } = this.#world.engine;
    this.#verdict.expect(
      was !== 'built' || row.state !== 'building' || !artifacts.has(row.key),
      () => `artifact ${row.key}: is to be built again although it is there`,
    );
    if (row.state !== 'removing' || was === 'removing') return;
    const user = [...recorded.deployments.values()].find(
      ({ live, next }) => live?.target.artifact === row.key || next?.target?.artifact === row.key,
    );
    const instance = [...recorded.instances.values()].find(({ target }) => target.artifact === row.key);
    this.#verdict.expect(
      user === undefined && instance === undefined,
      () => `artifact ${row.key}: is collected although ${user?.app ?? instance?.id} needs it`,
    );
  }

  #onRetained(row: Put<'retained'>, recorded: RecordedView): void {
    if (row.state !== 'removing') return;
    const user = [...recorded.deployments.values()].find((candidate) => candidate.dataName === row.dataName);
    this.#verdict.expect(user === undefined, () => `data ${row.dataName}: is removed although ${row.app} is back`);
    this.#verdict.expect(
      this.#world.clock.now() >= row.until,
      () => `data ${row.dataName}: is removed before its time of retention is over`,
    );
  }

  /** It is gone, or it is the data of an app that came back. */
  #onRetainedGone(row: Put<'retained'>, recorded: RecordedView): void {
    const isBack = recorded.deployment(row.env, row.app)?.dataName === row.dataName;
    const wasLeaving = this.#shadow.retained.get(row.dataName)?.state === 'removing';
    this.#verdict.expect(isBack || wasLeaving, () => `data ${row.dataName}: nothing is recorded of it any more`);
  }

  #onGone(row: RecordedDeployment, recorded: RecordedView): void {
    this.#past.delete(row.dataName);
    // A preview that is made anew knows nothing of the one before.
    if (row.env !== 'prod' && row.env !== 'stage') this.#quarantined.delete(`${row.env} ${row.app}`);
    const left = recorded.instancesOf(row.env, row.app);
    this.#verdict.expect(left.length === 0, () => `${row.app}: its row is gone while instances of it are recorded`);
  }
}

/** The events of a switch. */
const SWITCHES: ReadonlySet<string> = new Set([
  'deployment.live',
  'deployment.unrouted',
  'deployment.settings',
  'release.live',
]);

/** Two targets of the same identity would be the very same deployment. */
function identityOf(target: Target | null | undefined): string {
  return `${target?.instanceHash} ${target?.policyHash}`;
}
