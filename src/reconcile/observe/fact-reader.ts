import { isAbort, MainspringError, problemOf } from '../../model/errors.ts';
import type { Needs, WantedRepo } from '../../model/git-facts.ts';
import type { CommitId } from '../../model/ids.ts';
import type { RepoUrl } from '../../model/source.ts';
import type { Ports } from '../ports.ts';
import { evaluateCommit } from './evaluate-commit.ts';
import type { FactStore } from './fact-store.ts';
import type { SourceReader } from './read-source.ts';

/** What reading facts works with. */
export interface FactReaderDeps {
  readonly ports: Ports;
  readonly reader: SourceReader;
  readonly store: FactStore;
  readonly configRepo: RepoUrl;
  /** Something was learned that may change what is desired. */
  readonly onKnown: () => void;
}

/** One thing to read of a repo. */
interface Task {
  readonly key: string;
  readonly run: (signal: AbortSignal) => Promise<void>;
}

interface Queue {
  tasks: readonly Task[];
  running: Promise<void> | null;
  /** What could not be read; not tried again before the next look at the repo. */
  readonly failed: Map<string, unknown>;
}

/** How many are read side by side of one repo. */
const SIDE_BY_SIDE = 8;

/**
 * Reads what `desire` wanted to know: each repo in a queue of its own, so that one that hangs holds up no other. What can't be read is
 * tried again with the next look at its repo.
 */
export class FactReader {
  readonly #deps: FactReaderDeps;
  readonly #queues = new Map<RepoUrl, Queue>();
  readonly #stop = new AbortController();

  constructor(deps: FactReaderDeps) {
    this.#deps = deps;
  }

  /** From now on this, and only this, is wanted. */
  want(needs: Needs): void {
    this.#deps.store.keepOnly(needs.commits);
    const tasks = this.#tasks(needs);
    for (const [repo, queue] of this.#queues) if (!tasks.has(repo) && queue.running === null) this.#queues.delete(repo);
    for (const [repo, wanted] of tasks) {
      const queue = this.#queues.get(repo) ?? { tasks: [], running: null, failed: new Map<string, unknown>() };
      this.#queues.set(repo, queue);
      queue.tasks = wanted;
      this.#start(queue);
    }
  }

  /** What could not be read of a repo is tried again; says what went wrong the last time. */
  retry(repo: RepoUrl): unknown {
    const queue = this.#queues.get(repo);
    if (queue === undefined) return null;
    const [failure = null] = queue.failed.values();
    queue.failed.clear();
    this.#start(queue);
    return failure;
  }

  /** Whether something is being read. */
  get isBusy(): boolean {
    return [...this.#queues.values()].some(({ running }) => running !== null);
  }

  async stop(): Promise<void> {
    this.#stop.abort(new DOMException('stopping', 'AbortError'));
    await Promise.allSettled([...this.#queues.values()].map(({ running }) => running));
  }

  #start(queue: Queue): void {
    if (queue.running !== null || this.#stop.signal.aborted || this.#open(queue).length === 0) return;
    queue.running = this.#run(queue).finally(() => {
      queue.running = null;
    });
  }

  #open({ tasks, failed }: Queue): readonly Task[] {
    return tasks.filter(({ key }) => !failed.has(key));
  }

  async #run(queue: Queue): Promise<void> {
    let isNew = false;
    const done = new Set<string>();
    for (;;) {
      const batch = this.#open(queue)
        .filter(({ key }) => !done.has(key))
        .slice(0, SIDE_BY_SIDE);
      if (batch.length === 0 || this.#stop.signal.aborted) break;
      const results = await Promise.all(batch.map((task) => this.#read(task, queue)));
      for (const { key } of batch) done.add(key);
      isNew ||= results.includes(true);
    }
    queue.tasks = queue.tasks.filter(({ key }) => !done.has(key) || queue.failed.has(key));
    if (isNew && !this.#stop.signal.aborted) this.#deps.onKnown();
  }

  async #read(task: Task, queue: Queue): Promise<boolean> {
    try {
      await task.run(this.#stop.signal);
      return true;
    } catch (error) {
      if (!(isAbort(error) && this.#stop.signal.aborted)) queue.failed.set(task.key, error);
      return false;
    }
  }

  /** Merge bases first: of many branches they say that there is nothing to look at. */
  #tasks(needs: Needs): ReadonlyMap<RepoUrl, readonly Task[]> {
    const tasks = new Map<RepoUrl, Task[]>();
    const add = (repo: RepoUrl, task: Task) => {
      const known = tasks.get(repo);
      if (known === undefined) tasks.set(repo, [task]);
      else known.push(task);
    };
    for (const { a, b, ...of } of needs.bases)
      add(of.repo, { key: `base ${a} ${b}`, run: (signal) => this.#readBase(of, a, b, signal) });
    for (const commit of needs.configs) {
      const of = { repo: this.#deps.configRepo, auth: null };
      add(of.repo, { key: `config ${commit}`, run: (signal) => this.#readConfig(of, commit, signal) });
    }
    for (const [commit, { of, folders }] of byCommit(needs)) {
      const key = `folders ${commit} ${folders.length} ${folders[0]}`;
      add(of.repo, { key, run: (signal) => this.#readFolders(of, commit, folders, signal) });
    }
    return tasks;
  }

  async #readBase(of: WantedRepo, a: CommitId, b: CommitId, signal: AbortSignal): Promise<void> {
    const { ports, store } = this.#deps;
    store.setBase(of.repo, [a, b], await ports.git.mergeBase(of, a, b, signal));
    await ports.reach('compared');
  }

  async #readConfig(of: WantedRepo, commit: CommitId, signal: AbortSignal): Promise<void> {
    const { ports, store } = this.#deps;
    await ports.git.fetch(of, commit, signal);
    const { author } = await ports.git.commitFacts(of.repo, commit);
    const evaluation = await evaluateCommit(of.repo, commit, ports, signal);
    store.setConfig(commit, { author, evaluation });
  }

  async #readFolders(of: WantedRepo, commit: CommitId, folders: readonly string[], signal: AbortSignal): Promise<void> {
    const { reader, store } = this.#deps;
    const opened = await reader.open(of, commit, signal);
    for (const folder of folders) {
      const state = await opened.read(folder).catch((error: unknown) => missing(error));
      store.setFolder(of.repo, commit, folder, state);
    }
  }
}

/** A folder that a commit does not have, or has as a file, is something that is known of it. */
function missing(error: unknown) {
  if (error instanceof MainspringError && error.code === 'git-path-missing') return { problem: problemOf(error) };
  throw error;
}

function byCommit({ folders }: Needs): ReadonlyMap<CommitId, { readonly of: WantedRepo; readonly folders: string[] }> {
  const found = new Map<CommitId, { readonly of: WantedRepo; readonly folders: string[] }>();
  for (const { repo, auth, commit, folder } of folders) {
    const known = found.get(commit);
    if (known === undefined) found.set(commit, { of: { repo, auth }, folders: [folder] });
    else known.folders.push(folder);
  }
  return found;
}
