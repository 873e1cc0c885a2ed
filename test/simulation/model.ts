import { canonicalJson } from '../../src/model/canonical.ts';
import { branchLabel } from '../../src/model/environment.ts';
import { sourceKey } from '../../src/model/snapshot.ts';
import type { RecordedView } from '../../src/store/recorded.ts';
import { BRANCHES } from './branch-player.ts';
import type { Behaviour } from './events.ts';
import { PreviewModel } from './model-previews.ts';
import { declarationOf, type SimApp, type SimConfig } from './sim-config.ts';
import type { Folder } from './sim-git.ts';
import type { SimWorld } from './sim-world.ts';

/** An app that should run, with its files; undefined: its source does not have them. */
export interface Wanted {
  readonly app: SimApp;
  readonly folder: Folder | undefined;
}

/** An environment and all that should run in it. */
export interface Place {
  readonly env: string;
  readonly wanted: readonly Wanted[];
}

/** What people pushed, and what follows from it: worked out from the repos alone. */
export class Model {
  readonly #world: SimWorld;
  /** The newest commit of the config repo that was accepted, as far as was seen. */
  accepted: string | null = null;

  readonly previews: PreviewModel;

  constructor(world: SimWorld) {
    this.#world = world;
    this.previews = new PreviewModel(world, this);
  }

  /** The config that is followed. */
  get config(): SimConfig | null {
    return this.#world.configAt(this.accepted);
  }

  /** What should run in each environment, but for what is parked or depends on what was seen before. */
  places(): Place[] {
    const apps = this.config?.apps ?? [];
    const wanted = apps.map((app): Wanted => ({ app, folder: this.folderOf(app) }));
    const staged = apps
      .filter(({ stage }) => stage)
      .map((app): Wanted => ({ app, folder: this.folderOf(inStage(app)) }));
    const { environments } = this.#world.recorded;
    return [
      { env: 'prod', wanted },
      { env: 'stage', wanted: staged },
      ...BRANCHES.flatMap((branch): Place[] => {
        const row = environments.get(branchLabel(branch));
        if (row === undefined || row.parked !== null) return [];
        return [{ env: row.name, wanted: this.previews.preview(branch).wanted }];
      }),
    ];
  }

  /** The app of that id, if the config that is followed declares it. */
  declared(app: string): SimApp | undefined {
    return this.config?.apps.find((candidate) => candidate.id === app);
  }

  /** The files that an app should run now; undefined where its source does not have them. */
  folderOf(app: SimApp): Folder | undefined {
    if (app.repo === '-') return {};
    if (app.repo === '') return this.#world.config.commits.get(this.accepted as never)?.folders[app.folder];
    const repo = this.#world.sources.find(({ url }) => url === app.repo);
    if (app.pin !== null) return repo?.commits.get(app.pin.commit as never)?.folders[app.folder];
    return repo?.tip()?.folders[app.folder];
  }

  /** Whether anybody ever declared an app to be this commit of its source, whatever its branch is. */
  isPinned(commit: string): boolean {
    const declared = [...this.#world.config.commits.keys()].flatMap((one) => this.#world.configAt(one)?.apps ?? []);
    return declared.some(({ pin }) => pin?.commit === commit);
  }

  /** Whether any app goes by the main branch of a repo. */
  followsMain(repo: string): boolean {
    return (this.config?.apps ?? []).some((app) => app.repo === repo && app.pin?.of !== 'all');
  }

  /** Whether what an app should run can't be verified, however long one waits. */
  isSick(app: SimApp, folder = this.folderOf(app)): boolean {
    if (app.repo === '-') return false;
    const behaviour = this.#world.folderBehaviour(folder);
    if (behaviour === 'broken') return true;
    if (app.spec !== 'procfile' || !app.verify) return false;
    return NEVER_HEALTHY.has(behaviour) || (behaviour === 'shallow' && app.health !== '/');
  }

  /** What is wanted of an app, as far as it was seen: differs as soon as there is a reason to try again. */
  description(id: string, env: string, recorded: RecordedView): string {
    const app = this.declared(id);
    if (app === undefined) return 'not declared';
    const { position, ...declared } = declarationOf(env === 'stage' ? inStage(app) : app);
    // How it is promoted is said in its stage as well.
    const declaration = { ...declared, promote: declarationOf(app).promote };
    const key = sourceKey({ ...declaration, position });
    const tree = key === null ? null : (recorded.sources.get(key)?.resolved?.tree ?? null);
    return canonicalJson({ declaration, tree } as never);
  }
}

/** An app as its stage has it: what fixes production alone holds there no more. */
function inStage(app: SimApp): SimApp {
  return app.pin?.of === 'prod' ? { ...app, pin: null } : app;
}

const NEVER_HEALTHY: ReadonlySet<Behaviour> = new Set(['sick', 'mute', 'dead'] as const);
