import { existsSync } from 'node:fs';
import { appendFile, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runGit } from '../git/run-git.ts';
import { MainspringError } from '../model/errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const BRANCH = 'main';
const TIME_LIMIT_MS = 60_000;
const IDENTITY = ['-c', 'user.name=Mainspring demo', '-c', 'user.email=demo@localhost'];

/** The config repo of a demo: a bare one, which is followed, and a clone to work in. */
export class DemoRepo {
  readonly bare: string;
  readonly work: string;
  readonly #env: Environment;

  constructor(folder: string, env: Environment) {
    this.bare = join(folder, 'config.git');
    this.work = join(folder, 'config');
    this.#env = env;
  }

  /** Makes both, with one commit that holds the files of `content`. */
  async create(content: string): Promise<void> {
    await mkdir(this.bare, { recursive: true });
    await this.#run(this.bare, ['init', '-q', '--bare', '--template=']);
    await this.#run(this.bare, ['symbolic-ref', 'HEAD', `refs/heads/${BRANCH}`]);
    await this.#clone();
    await cp(content, this.work, { recursive: true });
    await this.#run(this.work, ['add', '--all']);
    await this.commitAndPush('A page and an app');
  }

  /** Makes the clone again if it was removed, and sees to it that the user's own git can commit in it. */
  async makeUsable(): Promise<void> {
    if (!existsSync(join(this.work, '.git'))) await this.#clone();
    // As the user's git would see it: it may know who they are from its config, from variables or from the machine.
    const who = { ...this.#gitRun(this.work, ['var', 'GIT_COMMITTER_IDENT']), env: without(POINTERS, this.#env) };
    if ((await runGit(who)).ok) return;
    await this.#run(this.work, ['config', 'user.name', 'Mainspring demo']);
    await this.#run(this.work, ['config', 'user.email', 'demo@localhost']);
  }

  /** Adds lines at the end of a file. Nothing is committed. */
  async append(file: string, text: string): Promise<void> {
    await appendFile(join(this.work, file), text);
  }

  /** Puts one text in the place of another. Nothing is committed. */
  async replace(file: string, from: string, to: string): Promise<void> {
    const path = join(this.work, file);
    const text = await readFile(path, 'utf8');
    if (!text.includes(from)) throw new MainspringError('unexpected', `demo: "${from}" is not in "${path}"`);
    await writeFile(path, text.replace(from, to));
  }

  /** Commits what changed and pushes it to the followed branch; gives the commit. */
  async commitAndPush(message: string): Promise<string> {
    return this.#commitTo(BRANCH, message);
  }

  /** Commits what changed to a branch that is made for it, and pushes that; gives the commit. */
  async commitToBranch(branch: string, message: string): Promise<string> {
    await this.#run(this.work, ['checkout', '-q', '-b', branch]);
    return this.#commitTo(branch, message);
  }

  /** Merges a branch into the followed one and pushes that; gives the merge. */
  async mergeAndPush(branch: string): Promise<string> {
    await this.#run(this.work, ['checkout', '-q', BRANCH]);
    await this.#run(this.work, [...IDENTITY, 'merge', '-q', '--no-ff', '-m', `Merge branch '${branch}'`, branch]);
    return this.#push(BRANCH);
  }

  /** Reverts the last commit, or the last merge, and pushes that; gives the new commit. */
  async revertAndPush(): Promise<string> {
    const isMerge = (await this.#run(this.work, ['rev-list', '--parents', '-1', 'HEAD'])).split(' ').length > 2;
    await this.#run(this.work, [...IDENTITY, 'revert', '--no-edit', ...(isMerge ? ['-m', '1'] : []), 'HEAD']);
    return this.#push(BRANCH);
  }

  /** Deletes a branch, here and in the repo that is followed. */
  async deleteBranch(branch: string): Promise<void> {
    await this.#run(this.work, ['checkout', '-q', BRANCH]);
    await this.#run(this.work, ['branch', '-q', '-D', branch]);
    await this.#run(this.work, ['push', '-q', 'origin', '--delete', branch]);
  }

  /** The first line of a commit's message; empty if the repo does not have it. */
  async subject(commit: string): Promise<string> {
    const { ok, stdout } = await runGit(this.#gitRun(this.bare, ['log', '-1', '--format=%s', commit]));
    return ok ? stdout.trim() : '';
  }

  /** The commit that is checked out to work on. */
  async head(): Promise<string> {
    return this.#run(this.work, ['rev-parse', 'HEAD']);
  }

  /** The commit of the followed branch. */
  async tip(): Promise<string> {
    return this.#run(this.bare, ['rev-parse', BRANCH]);
  }

  async #commitTo(branch: string, message: string): Promise<string> {
    await this.#run(this.work, [...IDENTITY, 'commit', '-q', '--all', '-m', message]);
    return this.#push(branch);
  }

  async #push(branch: string): Promise<string> {
    await this.#run(this.work, ['push', '-q', '--set-upstream', 'origin', `HEAD:${branch}`]);
    return this.#run(this.work, ['rev-parse', 'HEAD']);
  }

  async #clone(): Promise<void> {
    await this.#run(join(this.bare, '..'), ['clone', '-q', '--template=', this.bare, this.work]);
    // Older versions of git call the branch of an empty clone what they like.
    await this.#run(this.work, ['symbolic-ref', 'HEAD', `refs/heads/${BRANCH}`]);
  }

  async #run(cwd: string, args: readonly string[]): Promise<string> {
    const { ok, stdout, stderr } = await runGit(this.#gitRun(cwd, args));
    if (ok) return stdout.trim();
    throw new MainspringError(
      'unexpected',
      `demo: git ${args[0] === '-c' ? args[4] : args[0]} failed: ${stderr.trim()}`,
    );
  }

  #gitRun(cwd: string, args: readonly string[]) {
    // Signing, hooks and templates of the user have no part in the demo's own commits.
    const own = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' };
    const env = { ...without(/^GIT_/, this.#env), ...own };
    return { cwd, args, env, what: `git ${args.join(' ')}`, timeoutMs: TIME_LIMIT_MS };
  }
}

/** What points git at another repo, in the environment of a git hook for instance. */
const POINTERS = /^GIT_(DIR|WORK_TREE|INDEX_FILE|OBJECT_DIRECTORY|COMMON_DIR|NAMESPACE|PREFIX)$/;

function without(names: RegExp, env: Environment): Record<string, string> {
  const entries = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(entries.filter(([name]) => !names.test(name)));
}
