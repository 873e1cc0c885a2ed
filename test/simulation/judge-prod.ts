import type { RecordedDeployment } from '../../src/model/recorded.ts';
import type { RefListing } from '../../src/model/source.ts';
import { declarationOf, type SimApp } from './sim-config.ts';
import { treeIdOf } from './sim-git.ts';
import type { SimWorld } from './sim-world.ts';
import type { Verdict } from './verdict.ts';

type Target = NonNullable<RecordedDeployment['live']>['target'];

/** Says for each moment what production may serve: what an accepted commit declares, with the files that main, or its pin, had. */
export class ProdJudge {
  readonly #world: SimWorld;
  readonly #verdict: Verdict;
  /** Every commit of the config that was ever accepted. */
  readonly #accepted = new Set<string>();
  /** Every commit that a listing showed main of a repo at. */
  readonly #mains = new Set<string>();

  constructor(world: SimWorld, verdict: Verdict) {
    this.#world = world;
    this.#verdict = verdict;
  }

  onAccepted(commit: string | null): void {
    if (commit !== null) this.#accepted.add(commit);
  }

  onListing({ branches }: RefListing): void {
    if (branches.main !== undefined) this.#mains.add(branches.main);
  }

  /** Something is live in production that was not before. */
  onLive({ app }: RecordedDeployment, target: Target): void {
    const why = this.#whyNot(app, target);
    this.#verdict.expect(why === null, () => `${app}: live in production, and ${why}`);
  }

  #whyNot(id: string, target: Target): string | null {
    const { configCommit, policy, values, inputs } = target;
    if (!this.#accepted.has(configCommit)) return `config ${configCommit} was never accepted`;
    const app = this.#world.configAt(configCommit)?.apps.find((one) => one.id === id);
    if (app === undefined) return `config ${configCommit} does not declare it`;
    if (policy.path !== app.path) return `its path is ${policy.path}, declared is ${app.path}`;
    const params = JSON.stringify(values.params);
    const right = JSON.stringify(declarationOf(app).params);
    if (params !== right) return `its params are ${params}, declared are ${right}`;
    return this.#whyNotFiles(app, configCommit, target.sourceCommit, inputs.tree);
  }

  #whyNotFiles(app: SimApp, config: string, commit: string | null, tree: string | null): string | null {
    if (app.repo === '-') return tree === null ? null : 'it has files';
    const repo = app.repo === '' ? this.#world.config : this.#world.sources.find(({ url }) => url === app.repo);
    const at = app.repo === '' ? config : commit;
    if (app.repo !== '' && app.pin !== null && at !== app.pin.commit) return `runs ${at}, pinned is ${app.pin.commit}`;
    if (app.repo !== '' && app.pin === null && !this.#mains.has(at ?? '')) return `runs ${at}, which main never was at`;
    const folder = repo?.commits.get(at as never)?.folders[app.folder];
    // A folder of the config repo that is gone says nothing about what should run: what it was goes on.
    if (app.repo === '' && folder === undefined)
      return this.#everHeld(app.folder, tree) ? null : 'never had such files';
    return folder !== undefined && treeIdOf(folder) === tree ? null : `runs other files than ${at} has`;
  }

  /** Whether a commit of the config that was accepted had these files in a folder. */
  #everHeld(folder: string, tree: string | null): boolean {
    const { commits } = this.#world.config;
    const held = [...this.#accepted].map((commit) => commits.get(commit as never)?.folders[folder]);
    return held.some((content) => content !== undefined && treeIdOf(content) === tree);
  }
}
