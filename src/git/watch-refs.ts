import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { LocalRepo } from './local-repo.ts';

/** What is watched: `locate` finds the repo (again), or rejects while it is not there. */
export interface RefWatchOptions {
  readonly locate: () => Promise<LocalRepo>;
  readonly onChange: () => void;
  /** Events of one push come together; this long after the last one they are reported. */
  readonly quietMs?: number;
  /** How often to look whether the repo is (again, or still) the one that is watched. */
  readonly checkMs?: number;
}

/** How long a stream of events may put the report off. */
const LONGEST_MS = 25;
const FILES = ['HEAD', 'packed-refs', 'refs', 'reftable'];

/**
 * Watches the refs of a local repo: HEAD, packed refs, branches. Folders are watched one by one (new ones as they come), since
 * `fs.watch` is not recursive by itself on Linux. When the repo is replaced, the new one is watched, and reported as a change.
 * Keeps no process alive.
 */
export class RefWatch {
  readonly #options: Required<RefWatchOptions>;
  readonly #watchers = new Map<string, { readonly watcher: FSWatcher; readonly inode: number }>();
  readonly #checkTimer: NodeJS.Timeout;
  #watched: { readonly repo: LocalRepo; readonly inode: number } | null = null;
  #reportTimer: NodeJS.Timeout | null = null;
  #firstEvent = 0;
  #isChecking = false;
  #ended = false;

  constructor(options: RefWatchOptions) {
    this.#options = { quietMs: 3, checkMs: 1_000, ...options };
    this.#checkTimer = setInterval(() => void this.#check(), this.#options.checkMs).unref();
    void this.#check();
  }

  /** Ends it: no call back comes after this. */
  close(): void {
    this.#ended = true;
    clearInterval(this.#checkTimer);
    if (this.#reportTimer !== null) clearTimeout(this.#reportTimer);
    this.#unwatch();
  }

  /** Makes sure that what is watched is what is there now. */
  async #check(): Promise<void> {
    if (this.#isChecking || this.#ended || this.#isStillThere()) return;
    this.#isChecking = true;
    this.#unwatch();
    try {
      const repo = await this.#options.locate();
      if (this.#ended) return;
      this.#watched = { repo, inode: statSync(join(repo.commonDir, 'refs')).ino };
      this.#watchFolders(repo);
      // Anything may have happened before it was watched.
      this.#changed();
    } catch {
      // Not there at the moment. The listing says so; here the next check tries again.
      this.#unwatch();
    } finally {
      this.#isChecking = false;
    }
  }

  #isStillThere(): boolean {
    if (this.#watched === null) return false;
    const { repo, inode } = this.#watched;
    return statSync(join(repo.commonDir, 'refs'), { throwIfNoEntry: false })?.ino === inode;
  }

  #watchFolders(repo: LocalRepo): void {
    for (const dir of new Set([repo.gitDir, repo.commonDir])) {
      this.#watchFolder(dir, (name) => name === null || FILES.includes(name));
    }
    this.#watchFolder(join(repo.commonDir, 'refs'), () => true);
    this.#watchBelow(join(repo.commonDir, 'refs', 'heads'));
    this.#watchBelow(join(repo.commonDir, 'reftable'));
  }

  #watchBelow(dir: string): void {
    this.#watchFolder(dir, (name) => name?.endsWith('.lock') !== true);
    for (const entry of foldersIn(dir)) this.#watchBelow(join(dir, entry));
  }

  #watchFolder(dir: string, matters: (name: string | null) => boolean): void {
    if (this.#watchers.has(dir)) return;
    try {
      const watcher = watch(dir, { persistent: false }, (_event, name) => {
        if (matters(name)) this.#onEvent();
      });
      watcher.on('error', () => this.#forget(dir));
      this.#watchers.set(dir, { watcher, inode: statSync(dir).ino });
    } catch {
      // Not there (any more), or too many watches: polling still sees every change.
    }
  }

  #onEvent(): void {
    if (this.#ended) return;
    this.#changed();
    const repo = this.#watched?.repo;
    if (repo === undefined || !this.#isStillThere()) {
      void this.#check();
      return;
    }
    // A watch ends with its folder; a folder of the same name may have taken its place.
    for (const [dir, { inode }] of this.#watchers) {
      if (statSync(dir, { throwIfNoEntry: false })?.ino !== inode) this.#forget(dir);
    }
    this.#watchBelow(join(repo.commonDir, 'refs', 'heads'));
  }

  #changed(): void {
    const now = performance.now();
    if (this.#reportTimer === null) this.#firstEvent = now;
    else clearTimeout(this.#reportTimer);
    const waitMs = Math.max(0, Math.min(this.#options.quietMs, this.#firstEvent + LONGEST_MS - now));
    this.#reportTimer = setTimeout(() => {
      this.#reportTimer = null;
      if (!this.#ended) this.#options.onChange();
    }, waitMs).unref();
  }

  #forget(dir: string): void {
    this.#watchers.get(dir)?.watcher.close();
    this.#watchers.delete(dir);
  }

  #unwatch(): void {
    for (const dir of [...this.#watchers.keys()]) this.#forget(dir);
    this.#watched = null;
  }
}

function foldersIn(dir: string): string[] {
  try {
    return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    return [];
  }
}
