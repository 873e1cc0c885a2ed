/** What a worker thread is started with. */
export interface ThreadData {
  readonly module: WebAssembly.Module;
  /** A few numbers that both sides see at once, see `cells`. */
  readonly shared: SharedArrayBuffer;
}

/** The cells of the shared numbers. Jobs are counted from 1. */
export const cells = {
  /** Written by the pool: the job that should stop. */
  cancelled: 0,
  /** Written by the worker just before it posts its last message about a job. */
  finished: 1,
  /** Written by the worker: the statement that is running, as the program marks it. */
  file: 2,
  line: 3,
  column: 4,
} as const;

/** How many bytes the shared numbers take. */
export const sharedBytes = 5 * Int32Array.BYTES_PER_ELEMENT;

/** From the pool to a worker. */
export type ToWorker =
  /** Begin; `config` is left out if it is the one of the job before. `text` is the entry's. */
  | {
      readonly kind: 'evaluate';
      readonly job: number;
      readonly config?: string;
      readonly entry: string;
      readonly text: string | undefined;
      readonly timeMs: number;
    }
  /** The texts of the wanted files, in the order of asking. */
  | { readonly kind: 'files'; readonly texts: readonly (string | undefined)[] };

/** From a worker to the pool. */
export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'wanted'; readonly paths: readonly string[] }
  | { readonly kind: 'result'; readonly json: string; readonly memoryBytes: number }
  /** The instance is dead, and so is this worker. */
  | { readonly kind: 'died'; readonly reason: 'memory' | 'nesting' | 'broken'; readonly message: string };
