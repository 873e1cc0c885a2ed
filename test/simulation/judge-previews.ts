import { branchLabel, branchOf } from '../../src/model/environment.ts';
import type { EnvName } from '../../src/model/ids.ts';
import type { RecordedEnvironment } from '../../src/model/recorded.ts';
import type { RefListing } from '../../src/model/source.ts';
import { BRANCHES } from './branch-player.ts';
import type { Model } from './model.ts';
import { tipsOf } from './model-previews.ts';
import type { SimWorld } from './sim-world.ts';
import type { Verdict } from './verdict.ts';

/** Looks at previews: which there are, what they leave behind, and on what evidence they end. */
export class PreviewJudge {
  readonly #world: SimWorld;
  readonly #model: Model;
  readonly #verdict: Verdict;

  constructor(world: SimWorld, model: Model, verdict: Verdict) {
    this.#world = world;
    this.#model = model;
    this.#verdict = verdict;
  }

  /** At rest there is a preview of each branch that holds something, and of no other. */
  atRest(): void {
    const { environments } = this.#world.recorded;
    for (const branch of BRANCHES) this.#branch(branch, environments.get(branchLabel(branch)));
    const right = new Set<string>(['prod', 'stage', ...BRANCHES.map(branchLabel)]);
    for (const name of environments.keys())
      this.#verdict.expect(right.has(name), () => `environment ${name}: of no branch that anybody ever pushed`);
    this.#limits([...environments.values()].filter(({ kind }) => kind === 'preview'));
  }

  /** Whether what an environment has can't be told from the repos: it is parked, or goes by what its branch was before. */
  isPardoned({ env, app }: { readonly env: EnvName; readonly app: string }): boolean {
    const row = this.#world.recorded.environments.get(env);
    const branch = branchOf(row?.identity ?? '');
    if (row === undefined || branch === null) return false;
    const { unsure, maybe } = this.#model.previews.preview(branch);
    return row.parked !== null || unsure || maybe.includes(app);
  }

  #branch(branch: string, row: RecordedEnvironment | undefined): void {
    const { previews } = this.#model;
    const { unsure, wanted, maybe, heads } = previews.preview(branch);
    if (unsure) {
      const isShown = row === undefined || row.errors.length > 0;
      this.#verdict.expect(isShown, () => `${branch}: its config is broken, which its preview does not say`);
      return;
    }
    this.#world.count(row === undefined ? 'preview: none' : row.parked === null ? 'preview: up' : 'preview: parked');
    if (wanted.length === 0 && maybe.length > 0) return;
    if (wanted.length === 0) {
      this.#verdict.expect(row === undefined, () => `${branch}: holds nothing and still has a preview`);
      this.#gone(branchLabel(branch));
      return;
    }
    const isNew = previews.hasMoved(branch, heads);
    this.#verdict.expect(
      row !== undefined || !isNew,
      () => `${branch}: has no preview of ${wanted.map(({ app }) => app.id).join(', ')}`,
    );
    if (row?.parked != null) this.#parked(row);
  }

  /** Nothing of an environment is left. */
  #gone(env: EnvName): void {
    const { recorded, engine } = this.#world;
    const rows = [...recorded.deployments.values()].filter((row) => row.env === env);
    this.#verdict.expect(
      rows.length === 0,
      () => `${env}: is over, and ${rows.map(({ app }) => app).join(', ')} is left`,
    );
    const running = [...engine.instances.values()].filter(({ request }) => request.env === env);
    this.#verdict.expect(running.length === 0, () => `${env}: is over, and ${running.length} instances are left`);
    const data = engine.inventory().data.filter(({ name }) => name.startsWith(`${env}/`));
    this.#verdict.expect(
      data.length === 0,
      () => `${env}: is over, and its data is left: ${data.map(({ name }) => name).join(', ')}`,
    );
  }

  #parked({ name }: RecordedEnvironment): void {
    const { recorded, engine } = this.#world;
    const running = [...engine.instances.values()].filter(({ request, running: runs }) => runs && request.env === name);
    this.#verdict.expect(running.length === 0, () => `${name}: is parked, and ${running.length} instances run`);
    const routed = this.#world.gateway.served().filter(({ key }) => key.startsWith(`${name}.`));
    this.#verdict.expect(routed.length === 0, () => `${name}: is parked, and requests are led to it`);
    const rows = [...recorded.deployments.values()].filter((row) => row.env === name);
    // What was parked before it ever started has none.
    const hadData = rows.filter((row) => row.dataEngine === 'process' && row.kept.length > 0);
    const lost = hadData.filter((row) => !engine.data.has(row.dataName));
    this.#verdict.expect(lost.length === 0, () => `${name}: is parked, and its data is gone`);
  }

  /** As many are up as main allows, those that were wanted last, and none that nobody wanted for long. */
  #limits(rows: readonly RecordedEnvironment[]): void {
    const policy = this.#model.config?.previews;
    if (policy === undefined) return;
    const { previews } = this.#model;
    const { deployments } = this.#world.recorded;
    const up = rows.filter(
      ({ name, parked }) => parked === null && [...deployments.values()].some(({ env }) => env === name),
    );
    this.#verdict.expect(up.length <= policy.max, () => `${up.length} previews are up, ${policy.max} may be`);
    for (const row of rows.filter(({ parked }) => parked !== null)) {
      const at = previews.activeAt(row.name);
      const isStale = this.#world.clock.now() - at >= policy.ttlMs;
      const newer = rows.filter((other) => other !== row && previews.activeAt(other.name) >= at);
      this.#verdict.expect(
        isStale || newer.length >= policy.max,
        () => `${row.name}: is parked although nothing says so`,
      );
    }
  }

  /** An environment ends on evidence alone: what main says, or what whole listings show. `listings`: the last ones of each repo, newest first. */
  onEnding(row: RecordedEnvironment, listings: ReadonlyMap<string, readonly RefListing[]>): void {
    const branch = branchOf(row.identity);
    if (branch === null) return;
    const whole = (repo: string) => (listings.get(repo) ?? []).filter(({ branches }) => branches.main !== undefined);
    const isGone = Object.keys(row.heads).every((repo) => {
      const isNamed =
        repo === this.#world.config.url || (this.#model.config?.apps ?? []).some((app) => app.repo === repo);
      return !isNamed || whole(repo).some(({ branches }) => branches[branch] === undefined);
    });
    const some = [0, 1].map(
      (age) => new Map([...listings.keys()].map((repo) => [repo, whole(repo)[age] ?? whole(repo)[0] ?? null])),
    );
    const holdsNothing = some.some((of) => {
      const { unsure, wanted } = this.#model.previews.preview(branch, tipsOf(of));
      return !unsure && wanted.length === 0;
    });
    this.#verdict.expect(isGone || holdsNothing, () => `${row.name}: ends without evidence`);
  }
}
