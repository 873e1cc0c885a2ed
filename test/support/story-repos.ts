import { hashOf } from '../../src/model/canonical.ts';
import type { CommitId } from '../../src/model/ids.ts';
import { CONFIG_REPO } from './declarations.ts';
import type { FakeGit, FakeRepo, Files } from './fake-git.ts';
import { mergeBaseOf } from './merge-base.ts';

const VERSION = 'index.html';
const CONFIG_FILE = 'apps.star';
/** Beside each version, so that it is a process, which can be sick. */
const PROCFILE = 'Procfile';

/** Repos in memory as a story speaks of them: `sales` is the repo that `github.com/acme/sales` names, `config` the config repo; a folder says its version. */
export class StoryRepos {
  readonly #git: FakeGit;
  readonly #urls = new Map([['config', CONFIG_REPO as string]]);
  /** What is known of trees: the version that their files say. */
  readonly #versions = new Map<string, string>();

  constructor(git: FakeGit) {
    this.#git = git;
  }

  /** Makes a repo that a config names, with version 1 in a folder of it. */
  add(url: string, folder: string): void {
    const name =
      url
        .split('/')
        .at(-1)
        ?.replace(/\.git$/, '') ?? '';
    this.#urls.set(name, url);
    const main = this.#filesOf(this.repo(name), 'main');
    if (main[pathIn(folder)] === undefined) this.#commit(name, 'main', filesOf(folder, '1'));
  }

  repo(name: string): FakeRepo {
    const url = this.#urls.get(name);
    if (url === undefined) throw new Error(`no repo "${name}" in this story`);
    return this.#git.repo(url);
  }

  /** Commits a version to a branch of a repo, or (`./wiki`) of a folder of the config repo. */
  version(where: string, branch: string, version: string): void {
    const folder = where.startsWith('./') ? where.slice(2) : '';
    this.#commit(folder === '' ? where : 'config', branch, filesOf(folder, version));
  }

  /** The config file of a branch. */
  config(branch: string): string {
    const repo = this.repo('config');
    return this.#filesOf(repo, repo.branches.has(branch) ? branch : 'main')[CONFIG_FILE] ?? '';
  }

  /** Commits a config file to a branch, and version 1 of the folders that it names and that are not there. */
  setConfig(branch: string, text: string, folders: readonly string[]): void {
    const repo = this.repo('config');
    const files = this.#filesOf(repo, repo.branches.has(branch) ? branch : 'main');
    const missing = folders.filter((folder) => files[pathIn(folder)] === undefined);
    this.#commit('config', branch, {
      [CONFIG_FILE]: text,
      ...Object.assign({}, ...missing.map((folder) => filesOf(folder, '1'))),
    });
  }

  /** Merges a branch into main: by a commit of both, or by one that only brings the same. */
  merge(name: string, branch: string, { squash }: { readonly squash: boolean }): void {
    const repo = this.repo(name);
    const [main, head] = [tipOf(repo, 'main'), tipOf(repo, branch)];
    const base = mergeBaseOf(repo.parentsOf, main, head);
    const [before, after] = [repo.commits.get(base ?? main) ?? {}, repo.commits.get(head) ?? {}];
    const changed = Object.entries(after).filter(([path, text]) => before[path] !== text);
    const files = { ...repo.commits.get(main), ...Object.fromEntries(changed) };
    // A commit of its own below it, or it would be the very commit of the branch: ids are made of files and parents alone.
    const below = squash ? repo.push(repo.commits.get(main) ?? {}, 'main', [main]) : main;
    this.#push(repo, files, 'main', squash ? [below] : [below, head]);
  }

  /** Commits what was there before the newest commit of main. */
  revert(name: string): void {
    const repo = this.repo(name);
    const main = tipOf(repo, 'main');
    const [parent] = repo.parentsOf.get(main) ?? [];
    this.#push(repo, repo.commits.get(parent ?? main) ?? {}, 'main', [main]);
  }

  /** The version that the files of a tree say; `-` for what has none. */
  versionOf(tree: string | null): string {
    return tree === null ? '-' : (this.#versions.get(tree) ?? '?');
  }

  #filesOf(repo: FakeRepo, branch: string): Files {
    return repo.commits.get(repo.branches.get(branch) as CommitId) ?? {};
  }

  #commit(name: string, branch: string, changes: Files): void {
    const repo = this.repo(name);
    const from = repo.branches.get(branch) ?? repo.branches.get('main');
    const before = from === undefined ? {} : (repo.commits.get(from) ?? {});
    this.#push(repo, { ...before, ...changes }, branch, from === undefined ? [] : [from]);
  }

  #push(repo: FakeRepo, files: Files, branch: string, parents: readonly CommitId[]): void {
    repo.push(files, branch, parents);
    const folders = new Set(Object.keys(files).map((path) => path.split('/').slice(0, -1).join('/')));
    for (const folder of folders) {
      const inside = Object.entries(files).filter(([path]) => folder === '' || path.startsWith(`${folder}/`));
      const tree = Object.fromEntries(
        inside.map(([path, text]) => [path.slice(folder === '' ? 0 : folder.length + 1), text]),
      );
      this.#versions.set(hashOf(tree).slice(0, 40), tree[VERSION] ?? '?');
    }
  }
}

function filesOf(folder: string, version: string): Files {
  const below = folder === '' ? '' : `${folder}/`;
  return { [`${below}${VERSION}`]: version, [`${below}${PROCFILE}`]: 'web: ./run' };
}

function pathIn(folder: string): string {
  return folder === '' ? VERSION : `${folder}/${VERSION}`;
}

function tipOf(repo: FakeRepo, branch: string): CommitId {
  const commit = repo.branches.get(branch);
  if (commit === undefined) throw new Error(`no branch "${branch}"`);
  return commit;
}
