import { observation } from '../../model/cause.ts';
import { isAbort, isStoreError, MainspringError, type Problem, problemOf } from '../../model/errors.ts';
import { type RefListing, type RepoState, type RepoUrl, tipOf, whenMoved } from '../../model/source.ts';
import { audit, type Change, put } from '../../store/changes.ts';
import type { Ports } from '../ports.ts';
import { isSameListing } from './queries.ts';

/** What a watch does with a listing: everything that follows from it, idempotent, cheap when nothing follows. */
export type Follow = (listing: RefListing, signal: AbortSignal) => Promise<void>;

/**
 * Looks at one repo: at most one look at a time, and a request that comes during one makes exactly one more follow. A repo
 * that hangs or fails keeps what was known of it, and holds up nobody else.
 */
export class RepoWatch {
  readonly repo: RepoUrl;
  /** The credential that the settings or declarations name for it. */
  auth: string | null;
  readonly #ports: Ports;
  readonly #follow: Follow;
  readonly #stop = new AbortController();
  #asOf: number | null;
  #running: Promise<void> | null = null;
  #isWanted = false;
  #askedAt = 0;

  constructor(repo: RepoUrl, auth: string | null, ports: Ports, follow: Follow) {
    this.repo = repo;
    this.auth = auth;
    this.#ports = ports;
    this.#follow = follow;
    this.#asOf = ports.store.recorded.repos.get(repo)?.listing?.asOf ?? null;
  }

  /** When the repo was last listed with success, in milliseconds since the epoch. */
  get asOf(): number | null {
    return this.#asOf;
  }

  /**
   * Looks now, or once more after the look that is under way. Resolves when a look that began after the call is over. Repos that are
   * looked at together are told the same time.
   */
  look(at = this.#ports.clock.now()): Promise<void> {
    this.#isWanted = true;
    this.#askedAt = at;
    this.#running ??= this.#loop();
    return this.#running;
  }

  /** Resolves when no look is under way. */
  async settled(): Promise<void> {
    await this.#running;
  }

  /** Ends the look that is under way, and all others. */
  async stop(): Promise<void> {
    this.#stop.abort(new DOMException('stopping', 'AbortError'));
    await this.#running?.catch(() => {});
  }

  async #loop(): Promise<void> {
    // Those who ask at the same time share one look.
    await Promise.resolve();
    try {
      while (this.#isWanted && !this.#stop.signal.aborted) {
        this.#isWanted = false;
        const at = this.#askedAt;
        // A ref that moved between listing and fetching is listed again at once; one that does it again waits for the next look.
        if ((await this.#lookOnce({ at, mayMove: true })) === 'moved') await this.#lookOnce({ at, mayMove: false });
      }
    } finally {
      // In the same turn as the last check, or a request in between would be lost.
      this.#running = null;
    }
  }

  async #lookOnce({ at, mayMove }: { readonly at: number; readonly mayMove: boolean }): Promise<'moved' | 'done'> {
    const { signal } = this.#stop;
    try {
      const listing = await this.#ports.git.list({ repo: this.repo, auth: this.auth }, signal);
      await this.#ports.reach('listed');
      this.#asOf = listing.asOf;
      this.#record(listing, at);
      await this.#follow(listing, signal);
      this.#noteError(null);
    } catch (error) {
      if (signal.aborted && isAbort(error)) return 'done';
      if (mayMove && error instanceof MainspringError && error.code === 'git-ref-moved') return 'moved';
      this.#noteFailure(error);
    }
    return 'done';
  }

  #noteFailure(error: unknown): void {
    try {
      if (isStoreError(error)) throw error;
      this.#noteError(problemOf(error));
    } catch (failure) {
      this.#ports.log.warn(`look at "${this.repo}": ${failure instanceof Error ? failure.message : String(failure)}`);
    }
  }

  #record(listing: RefListing, at: number): void {
    this.#ports.store.transact((recorded) => {
      const row = recorded.repos.get(this.repo);
      if (isSameListing(row?.listing ?? null, listing)) return [];
      const baseline = baselineAfter(row?.baseline ?? null, listing);
      const movedAt = movedAfter(row, listing, baseline, at);
      return [put('repo', { repo: this.repo, listing, error: row?.error ?? null, baseline, movedAt })];
    });
  }

  #noteError(error: Problem | null): void {
    this.#ports.store.transact((recorded) => {
      const row: RepoState = recorded.repos.get(this.repo) ?? {
        ...{ repo: this.repo, listing: null, error: null, baseline: null, movedAt: {} },
      };
      if (row.error?.code === error?.code && row.error?.message === error?.message) return [];
      const changes: Change[] = [put('repo', { ...row, error })];
      if ((row.error === null) !== (error === null)) changes.push(this.#event(error));
      return changes;
    });
  }

  #event(error: Problem | null): Change {
    const of = { env: null, app: null, cause: observation(`look at ${this.repo}`) };
    if (error === null) return audit({ kind: 'source.recovered', ...of, detail: { repo: this.repo } });
    return audit({
      kind: 'source.stale',
      ...of,
      detail: { repo: this.repo, code: error.code, message: error.message },
    });
  }
}

/** Branches that are as they were when the repo was first seen. One that moved or went is none of them ever after. */
function baselineAfter(baseline: RepoState['baseline'], { branches, head }: RefListing): RepoState['baseline'] {
  if (Object.keys(branches).length === 0) return baseline;
  if (baseline === null) return branches;
  // What a listing lacks may be there: unless it has at least what HEAD points to, it says nothing of that.
  const isWhole = head !== null && tipOf({ branches }, head) !== undefined;
  const left = Object.entries(baseline).filter(
    ([branch, commit]) => (tipOf({ branches }, branch) ?? (isWhole ? null : commit)) === commit,
  );
  return Object.fromEntries(left);
}

/** When branches were seen to move. Those of the baseline have not: one that was not listed for a while is not new. */
function movedAfter(row: RepoState | undefined, { branches }: RefListing, still: RepoState['baseline'], at: number) {
  const before = { branches: row?.listing?.branches ?? {} };
  const times = Object.entries(branches).flatMap(([branch, commit]): [string, number][] => {
    if (tipOf({ branches: still ?? {} }, branch) === commit) return [];
    const hasStayed = row !== undefined && tipOf(before, branch) === commit;
    return [[branch, (hasStayed ? whenMoved(row, branch) : undefined) ?? at]];
  });
  return Object.fromEntries(times);
}
