import { createHash } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MainspringError } from '../model/errors.ts';
import type { CommitId } from '../model/ids.ts';
import type { RepoUrl } from '../model/source.ts';
import { gitEnvironment, type HostEnvironment } from './git-environment.ts';
import { Mirror, type MirrorRun } from './mirror.ts';
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

/** All mirrors, by repo. What a killed run left behind is cleared away before the first one is used. */
export class Mirrors {
  readonly #options: MirrorsOptions;
  readonly #mirrors = new Map<RepoUrl, Mirror>();
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
    const made = new Mirror({
      repo,
      gitDir,
      env: { ...gitEnvironment(this.#options.env), ...marker },
      now: this.#options.now,
      onReplaced: () => this.#options.onReplaced(gitDir),
    });
    this.#mirrors.set(repo, made);
    return made;
  }

  /** What the environment of every git that writes to a mirror holds, so that it can be found should this process be killed. */
  marker(): Promise<Readonly<Record<string, string>>> {
    this.#ready ??= this.#prepare();
    return this.#ready;
  }

  /** Removes the mirrors of repos that are not named, then tidies the others; one that cannot be tidied is removed too. */
  async prune(keep: readonly RepoUrl[], commits: ReadonlySet<CommitId> | null, run: MirrorRun): Promise<void> {
    await this.marker();
    const kept = new Set(keep.map(nameOf));
    for (const repo of [...this.#mirrors.keys()]) {
      if (kept.has(nameOf(repo))) continue;
      const mirror = this.#mirrors.get(repo);
      await mirror?.remove(mirror.generation);
      this.#mirrors.delete(repo);
    }
    const names: readonly string[] = await readdir(this.#options.dir).catch(() => []);
    for (const name of names) {
      if (!kept.has(name.split('.')[0] ?? ''))
        await rm(join(this.#options.dir, name), { recursive: true, force: true });
    }
    for (const repo of keep) {
      if (!names.includes(nameOf(repo))) continue;
      const mirror = await this.get(repo);
      await mirror.tidy(commits, run).catch((error: unknown) => this.#giveUp(mirror, error));
    }
  }

  /** Only a damaged mirror goes: a full disk or an abort says nothing about it. */
  async #giveUp(mirror: Mirror, error: unknown): Promise<void> {
    if (!(error instanceof MainspringError) || error.code !== 'git-mirror-corrupt') throw error;
    await mirror.remove(mirror.generation);
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

function nameOf(repo: RepoUrl): string {
  return createHash('sha256').update(repo).digest('hex').slice(0, 32);
}
