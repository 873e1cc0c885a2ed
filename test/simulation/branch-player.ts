import type { CommitId } from '../../src/model/ids.ts';
import { mergeBaseOf } from '../support/merge-base.ts';
import { type EditContext, editApps } from './config-edits.ts';
import type { Behaviour, BranchEdit, BranchEvent, Hint } from './events.ts';
import { CONFIG_FILE, FIRST_CONFIG, type SimApp, type SimConfig } from './sim-config.ts';
import type { Folder, SimRepo } from './sim-git.ts';
import type { SimWorld } from './sim-world.ts';

/** The names that branches have: plain ones, one that needs a hashed label, and one like another environment's. */
export const BRANCHES = ['b-0', 'b-1', 'Feature/2', 'stage'] as const;

type Folders = Readonly<Record<string, Folder>>;

/** The file whose text says how a folder's code behaves. */
const BEHAVIOUR_FILE = 'behaviour';

/** Code of that behaviour which nobody pushed before. */
export function codeOf(world: SimWorld, behaviour: Behaviour): Folder {
  const content: Folder = {
    'index.html': `revision ${world.nextSerial()}`,
    Procfile: 'web: serve',
    [BEHAVIOUR_FILE]: behaviour,
  };
  world.setBehaviour(content, behaviour);
  world.count(`pushed: ${behaviour}`);
  return content;
}

/** What an edit of declarations in a config with these folders goes by. */
export function editContext({ sources }: SimWorld, folders: Folders): EditContext {
  return {
    repos: sources.map(({ url }) => url),
    hasFolder: (folder) => folders[folder] !== undefined,
    mains: (url) => (sources.find((repo) => repo.url === url)?.mains ?? []).map(({ commit }) => commit),
  };
}

/** Makes what happens on branches happen to a world: created, pushed to, merged in every way, deleted. */
export class BranchPlayer {
  readonly #world: SimWorld;

  constructor(world: SimWorld) {
    this.#world = world;
  }

  happen(event: BranchEvent, hint: (repo: SimRepo, hint: Hint) => void): void {
    const repo = [...this.#world.sources, this.#world.config][event.repo % 3] ?? this.#world.config;
    const branch = BRANCHES[event.name % BRANCHES.length] ?? 'b-0';
    switch (event.type) {
      case 'branch':
        this.#create(repo, branch, event.from);
        break;
      case 'push-branch':
        this.#push(repo, branch, `apps/${event.folder}`, event.behaviour);
        break;
      case 'edit-branch':
        this.#edit(branch, event.edit, event.value);
        break;
      case 'merge':
        this.#merge(repo, branch, event.how);
        break;
      case 'drop-branch':
        repo.branches.delete(branch);
        break;
    }
    hint(event.type === 'edit-branch' ? this.#world.config : repo, event.hint);
  }

  /** From main's tip or an older commit of it; from nowhere: a branch with a history of its own. Moves one that is there. */
  #create(repo: SimRepo, branch: string, from: number | 'nowhere'): void {
    const folders = repo.tip()?.folders;
    if (folders === undefined) return;
    if (from === 'nowhere') {
      repo.push({ folders }, branch, []);
      return;
    }
    const { mains } = repo;
    const start = mains.at(-1 - from) ?? mains[0];
    if (start !== undefined) repo.reset(branch, start.commit);
  }

  #push(repo: SimRepo, branch: string, folder: string, behaviour: Behaviour): void {
    this.#ensure(repo, branch);
    const folders = repo.tip(branch)?.folders;
    if (folders !== undefined) repo.push({ folders: { ...folders, [folder]: codeOf(this.#world, behaviour) } }, branch);
  }

  #ensure(repo: SimRepo, branch: string): void {
    const main = repo.branches.get('main');
    if (!repo.branches.has(branch) && main !== undefined) repo.reset(branch, main);
  }

  #edit(branch: string, edit: BranchEdit, value: number): void {
    const { config } = this.#world;
    this.#ensure(config, branch);
    const tip = config.tip(branch);
    const before = this.#world.configAt(config.branches.get(branch) ?? null);
    if (tip === undefined || before === null) return;
    const next = this.#edited(before, edit, value, editContext(this.#world, tip.folders));
    const text = { [CONFIG_FILE]: JSON.stringify(next), nonce: String(this.#world.nextSerial()) };
    config.push({ folders: { ...tip.folders, '': text } }, branch);
  }

  #edited(before: SimConfig, edit: BranchEdit, value: number, of: EditContext): SimConfig {
    const common = { app: value, hint: 'given', pauseMs: 0 } as const;
    switch (edit) {
      case 'params':
        return { ...before, apps: editApps(before.apps, { ...common, type: 'change-app', value: value + 10 }, of) };
      case 'add':
        return {
          ...before,
          apps: editApps(
            before.apps,
            { ...common, type: 'add-app', spec: value, repo: value % 3, folder: value % 3 },
            of,
          ),
        };
      case 'remove':
        return { ...before, apps: editApps(before.apps, { ...common, type: 'remove-app', value }, of) };
      case 'trade':
        return { ...before, apps: editApps(before.apps, { ...common, type: 'trade-routes', value: value + 1 }, of) };
      case 'pin':
        return { ...before, apps: editApps(before.apps, { ...common, type: 'pin-app', value: value % 6 }, of) };
      case 'break':
        return { ...before, broken: true };
      case 'mend':
        return { ...before, broken: false };
    }
  }

  #merge(repo: SimRepo, branch: string, how: 'merge' | 'squash' | 'rebase'): void {
    const [main, head] = [repo.branches.get('main'), repo.branches.get(branch)];
    if (main === undefined || head === undefined) return;
    const base = mergeBaseOf(repo.parentsOf, main, head);
    if (base === head) return;
    if (base === main && how === 'merge') {
      this.#world.count('merged: fast-forward');
      repo.reset('main', head);
      return;
    }
    const of = (commit: CommitId | null) => (commit === null ? {} : (repo.commits.get(commit)?.folders ?? {}));
    const folders = mergedFolders(of(base), of(main), of(head));
    if (!isWhole(repo === this.#world.config, folders)) return;
    this.#world.count(`merged: ${how}`);
    repo.push({ folders }, 'main', how === 'merge' ? [main, head] : [main]);
    if (how === 'rebase') repo.reset(branch, repo.branches.get('main') ?? head);
  }
}

/** The evaluator refuses a config that names a folder of its own that isn't there, so nobody pushes one. */
function isWhole(isConfig: boolean, folders: Folders): boolean {
  if (!isConfig) return true;
  const config = JSON.parse(folders['']?.[CONFIG_FILE] ?? '{}') as SimConfig;
  return config.apps.every(({ repo, folder }) => repo !== '' || folders[folder] !== undefined);
}

/** Folder by folder what only one side changed; of the config file, app by app. */
function mergedFolders(base: Folders, main: Folders, head: Folders): Folders {
  const merged: Record<string, Folder> = {};
  for (const name of new Set([...Object.keys(main), ...Object.keys(head)])) {
    const content = name === '' ? mergedRoot(base[''], main[''], head['']) : pick(base[name], main[name], head[name]);
    if (content !== undefined) merged[name] = content;
  }
  return merged;
}

function pick<T>(base: T, main: T, head: T): T {
  return JSON.stringify(head) === JSON.stringify(base) ? main : head;
}

function mergedRoot(base: Folder | undefined, main: Folder | undefined, head: Folder | undefined): Folder | undefined {
  const read = (folder: Folder | undefined) => {
    const text = folder?.[CONFIG_FILE];
    return text === undefined ? null : (JSON.parse(text) as SimConfig);
  };
  const [before, ours, theirs] = [read(base) ?? FIRST_CONFIG, read(main), read(head)];
  if (ours === null || theirs === null) return pick(base, main, head);
  const byId = (apps: readonly SimApp[]) => new Map(apps.map((app) => [app.id, app]));
  const [b, o, t] = [byId(before.apps), byId(ours.apps), byId(theirs.apps)];
  const apps = [...new Set([...o.keys(), ...t.keys()])].flatMap((id) => pick(b.get(id), o.get(id), t.get(id)) ?? []);
  const seen = new Set<string>();
  const free = apps.filter(({ path }) => !seen.has(path) && seen.add(path));
  const config = { ...ours, broken: pick(before.broken, ours.broken, theirs.broken), allowRemoval: null, apps: free };
  return { ...main, [CONFIG_FILE]: JSON.stringify(config), nonce: `${main?.nonce} ${head?.nonce}` };
}
