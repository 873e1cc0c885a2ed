import { createHash } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MainspringError } from '../model/errors.ts';
import type { CommitId } from '../model/ids.ts';
import type { RepoUrl } from '../model/source.ts';
import type { RepoRun } from './bare-repo.ts';
import { gitEnvironment, type HostEnvironment } from './git-environment.ts';
import { History } from './history.ts';
import { Mirror } from './mirror.ts';
import { killOrphans, MARKER, markerValue } from './orphans.ts';

/** What the mirrors need. */
export interface MirrorsOptions {
  /** The folder that holds them all, and nothing else. */
  readonly dir: string;
  readonly env: HostEnvironment;
  readonly now: () => number;
  /** Called before a mirror's folder is changed or replaced, to let go of it. */
  readonly onReplaced: (gitDir: string) => void;
}

/** What is kept of a repo: a mirror or a history. */
type Kept = Pick<Mirror, 'generation' | 'remove' | 'tidy'>;

const HISTORY = '.history';

/** All mirrors and histories, by repo. What a killed run left behind is cleared away before the first one is used. */
export class Mirrors {
  readonly #options: MirrorsOptions;
  readonly #mirrors = new Map<RepoUrl, Mirror>();
  readonly #histories = new Map<RepoUrl, History>();
  #ready: Promise<Readonly<Record<string, string>>> | null = null;

  constructor(options: MirrorsOptions) {
    this.#options = options;
  }

  /** The git folder of a repo's mirror, there or not. */
  gitDir(repo: RepoUrl): string {
    return join(this.#options.dir, nameOf(repo));
  }

  /** The mirror of a repo. */
  async get(repo: RepoUrl): Promise<Mirror> {
    const marker = await this.marker();
    const known = this.#mirrors.get(repo);
    if (known !== undefined) return known;
    const gitDir = this.gitDir(repo);
    const env = { ...gitEnvironment(this.#options.env), ...marker };
    const onReplaced = () => this.#options.onReplaced(gitDir);
    const made = new Mirror({ repo, gitDir, env, now: this.#options.now, onReplaced });
    this.#mirrors.set(repo, made);
    return made;
  }

  /** The history of a repo. */
  async history(repo: RepoUrl): Promise<History> {
    const marker = await this.marker();
    const known = this.#histories.get(repo);
    if (known !== undefined) return known;
    const env = { ...gitEnvironment(this.#options.env), ...marker };
    const made = new History({ repo, gitDir: this.gitDir(repo) + HISTORY, env, now: this.#options.now });
    this.#histories.set(repo, made);
    return made;
  }

  /** What the environment of every git that writes to a mirror holds, so that it can be found should this process be killed. */
  marker(): Promise<Readonly<Record<string, string>>> {
    this.#ready ??= this.#prepare();
    return this.#ready;
  }

  /** Removes what is kept of repos that are not named, then tidies the others; what cannot be tidied is removed too. */
  async prune(keep: readonly RepoUrl[], commits: ReadonlySet<CommitId> | null, run: RepoRun): Promise<void> {
    await this.marker();
    const kept = new Set(keep.map(nameOf));
    await removeOthers(this.#mirrors, kept);
    await removeOthers(this.#histories, kept);
    const names: readonly string[] = await readdir(this.#options.dir).catch(() => []);
    for (const name of names) {
      if (!kept.has(name.split('.')[0] ?? ''))
        await rm(join(this.#options.dir, name), { recursive: true, force: true });
    }
    const tidy = (one: Kept) => one.tidy(commits, run).catch((error: unknown) => this.#giveUp(one, error));
    for (const repo of keep) {
      if (names.includes(nameOf(repo))) await tidy(await this.get(repo));
      if (names.includes(nameOf(repo) + HISTORY)) await tidy(await this.history(repo));
    }
  }

  /** Only what is damaged goes: a full disk or an abort says nothing about it. */
  async #giveUp(one: Kept, error: unknown): Promise<void> {
    if (!(error instanceof MainspringError) || error.code !== 'git-mirror-corrupt') throw error;
    await one.remove(one.generation);
  }

  async #prepare(): Promise<Readonly<Record<string, string>>> {
    await mkdir(this.#options.dir, { recursive: true, mode: 0o700 });
    const { others } = await killOrphans(this.#options.dir);
    if (!others) await this.#clearLeftovers();
    return { [MARKER]: await markerValue(this.#options.dir) };
  }

  async #clearLeftovers(): Promise<void> {
    const names = await readdir(this.#options.dir);
    const left = names.filter((name) => name.endsWith('.new') || name.endsWith('.trash'));
    await Promise.all(left.map((name) => rm(join(this.#options.dir, name), { recursive: true, force: true })));
  }
}

async function removeOthers(known: Map<RepoUrl, Kept>, kept: ReadonlySet<string>): Promise<void> {
  for (const [repo, one] of [...known]) {
    if (kept.has(nameOf(repo))) continue;
    await one.remove(one.generation);
    known.delete(repo);
  }
}

function nameOf(repo: RepoUrl): string {
  return createHash('sha256').update(repo).digest('hex').slice(0, 32);
}
