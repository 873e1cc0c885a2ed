import { type FSWatcher, mkdirSync, watch } from 'node:fs';
import type { ArtifactKey } from '../model/ids.ts';
import type { EventHub } from './event-hub.ts';
import { isKey, type TreeStore } from './tree-store.ts';

/** Tells when a tree vanishes that nobody here removed. One watch on the folder of all trees: what vanishes inside of one is found by `recheck` only. */
export class TreeWatch {
  readonly #trees: TreeStore;
  readonly #hub: EventHub;
  /** Trees that we removed ourselves, or whose end was told. */
  readonly #gone = new Set<ArtifactKey>();
  #watcher: FSWatcher | null = null;

  constructor(trees: TreeStore, hub: EventHub) {
    this.#trees = trees;
    this.#hub = hub;
  }

  /** Begins to watch. Twice is fine. Where nothing can be watched a `gap` says so. */
  start(): void {
    if (this.#watcher !== null) return;
    try {
      mkdirSync(this.#trees.dir, { recursive: true });
      this.#watcher = watch(this.#trees.dir, { persistent: false });
      this.#watcher.on('change', (_, name) => void this.#look(String(name)).catch(() => this.#lose()));
      this.#watcher.on('error', () => this.#lose());
    } catch {
      this.#lose();
    }
  }

  /** We remove this tree ourselves: no event. */
  leaving(key: ArtifactKey): void {
    this.#gone.add(key);
  }

  /** This tree is there (again). */
  made(key: ArtifactKey): void {
    this.#gone.delete(key);
  }

  stop(): void {
    this.#watcher?.close();
    this.#watcher = null;
  }

  async #look(name: string): Promise<void> {
    if (!isKey(name) || this.#gone.has(name) || (await this.#trees.find(name)) !== undefined || this.#gone.has(name))
      return;
    this.#gone.add(name);
    this.#hub.publish({ kind: 'artifact-lost', key: name });
  }

  #lose(): void {
    this.stop();
    this.#hub.publish({ kind: 'gap' });
  }
}
