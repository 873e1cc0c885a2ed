import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isAbort, MainspringError } from '../model/errors.ts';
import type { GitCredential } from '../model/settings.ts';
import type { RepoUrl } from '../model/source.ts';
import { transportOf } from '../model/source-url.ts';
import { gitEnvironment, type HostEnvironment } from './git-environment.ts';
import type { GitLimits } from './limits.ts';
import { type GitListing, listLocalByGit, listRemote } from './list-by-git.ts';
import type { HttpLister } from './list-http.ts';
import { hasRefFiles, readLocalRefs } from './list-local.ts';
import { type LocalRepo, locateLocal } from './local-repo.ts';
import type { Refs } from './refs.ts';
import { sshRemote } from './remotes.ts';

/** What listing needs. */
export interface RefListerOptions {
  readonly localRoots: readonly string[];
  readonly env: HostEnvironment;
  readonly limits: GitLimits;
  /** A folder that is no repo, for git to start in; made when it is needed. */
  readonly workDir: string;
}

/** Lists refs of any repo, and remembers where repos were found: behind which redirect, in which folder. */
export class RefLister {
  readonly #options: RefListerOptions;
  #http: Promise<HttpLister> | null = null;
  readonly #bases = new Map<RepoUrl, string>();
  readonly #located = new Map<RepoUrl, LocalRepo>();

  constructor(options: RefListerOptions) {
    this.#options = options;
  }

  /** HEAD and the branches, from the repo itself. */
  async list(repo: RepoUrl, credential: GitCredential | null, signal: AbortSignal): Promise<Refs> {
    const { env, workDir, limits } = this.#options;
    const { listMs: timeoutMs, listBytes: maxBytes } = limits;
    const transport = transportOf(repo);
    if (transport === 'http') {
      const found = await (await this.#loadHttp()).list({ repo, credential, signal, maxBytes });
      this.#bases.set(repo, found.base);
      return found.refs;
    }
    await mkdir(workDir, { recursive: true, mode: 0o700 });
    const listing = { repo, cwd: workDir, signal, timeoutMs, maxBytes };
    if (transport === 'local') return this.#listLocal({ ...listing, env: gitEnvironment(env) });
    // The data folder may lie in a work tree, whose config is none of ours.
    const ceiling = { GIT_CEILING_DIRECTORIES: dirname(workDir) };
    return listRemote({ ...listing, env: { ...sshRemote(repo, credential, env, ceiling).env } });
  }

  /** Where an HTTP repo is after redirects, as the last listing found it. */
  baseOf(repo: RepoUrl): string | undefined {
    return this.#bases.get(repo);
  }

  /** Forgets where an HTTP repo was found. */
  forget(repo: RepoUrl): void {
    this.#bases.delete(repo);
  }

  /** Finds a local repo, below the local roots. */
  async locate(repo: RepoUrl, code: 'git-list-failed' | 'git-fetch-failed'): Promise<LocalRepo> {
    const local = await locateLocal(repo, this.#options.localRoots, code);
    this.#located.set(repo, local);
    return local;
  }

  /** Where the last listing or fetch found a local repo: reading thousands of folders does not check the roots each time. */
  async located(repo: RepoUrl): Promise<LocalRepo> {
    return this.#located.get(repo) ?? (await this.locate(repo, 'git-fetch-failed'));
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    if (this.#http !== null) await (await this.#http).close();
  }

  // Its libraries are only loaded (30 MB) where a repo is reached that way.
  #loadHttp(): Promise<HttpLister> {
    this.#http ??= import('./list-http.ts').then(({ HttpLister }) => new HttpLister(this.#options.env));
    return this.#http;
  }

  async #listLocal(listing: GitListing): Promise<Refs> {
    const local = await this.locate(listing.repo, 'git-list-failed');
    try {
      return (await hasRefFiles(local)) ? await readLocalRefs(local) : await listLocalByGit(listing, local);
    } catch (error) {
      if (error instanceof MainspringError || isAbort(error)) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new MainspringError('git-list-failed', `list "${listing.repo}": ${why}`, {
        cause: error,
        retry: 'after-interval',
        hint: 'May the daemon read the repo? `git fsck` in it says whether it is whole.',
      });
    }
  }
}
