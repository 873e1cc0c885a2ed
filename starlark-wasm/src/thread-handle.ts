import { Worker } from 'node:worker_threads';
import type { PreparedRequest } from './request.ts';
import { cells, type FromWorker, sharedBytes, type ThreadData, type ToWorker } from './thread.ts';
import type { EvaluateResult, LimitName, StarlarkError } from './types.ts';
import { decodeResult } from './wire.ts';

/** How long a program may take to stop by itself once it should. */
const graceMs = 250;
/** How long a thread may take to start; a machine under load is slow. */
const startMs = 30_000;
/** An instance that has grown beyond this is not kept, since its memory would never shrink again. */
const keptMemoryBytes = 64 * 2 ** 20;
/** Go code calls natively, so this bounds how deep source and calls may nest. */
const stackSizeMb = 16;

interface Job {
  readonly id: number;
  readonly request: PreparedRequest;
  readonly signal: AbortSignal | undefined;
  readonly onAbort: () => void;
  readonly resolve: (result: EvaluateResult) => void;
  readonly reject: (error: unknown) => void;
  readonly loaded: string[];
  readonly missing: string[];
  timer?: NodeJS.Timeout | undefined;
  armedAt: number;
  remainingMs: number;
  fetching: boolean;
}

function note(job: Job, path: string, text: unknown): void {
  if (text === undefined) job.missing.push(path);
  else if (typeof text === 'string') job.loaded.push(path);
  else throw new TypeError(`files: the text of "${path}" should be a string or undefined`);
}

/** What a handle tells its pool. */
export interface HandleEvents {
  /** The thread has finished a job and can take another one. */
  free(handle: ThreadHandle): void;
  /** The thread has ended; its memory is given back. */
  ended(handle: ThreadHandle): void;
}

/** The pool's side of one worker thread: runs one job at a time, and ends the thread when that doesn't end by itself. */
export class ThreadHandle {
  readonly #worker: Worker;
  readonly #events: HandleEvents;
  readonly #memoryBytes: number;
  readonly #numbers: Int32Array;
  #job: Job | undefined;
  #jobs = 0;
  #config: string | undefined;
  #ready = false;
  #ending: Promise<void> | undefined;

  constructor(module: WebAssembly.Module, memoryBytes: number, events: HandleEvents) {
    const shared = new SharedArrayBuffer(sharedBytes);
    this.#numbers = new Int32Array(shared);
    this.#events = events;
    this.#memoryBytes = memoryBytes;
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    this.#worker = new Worker(new URL(`./worker.${extension}`, import.meta.url), {
      workerData: { module, shared } satisfies ThreadData,
      env: {},
      execArgv: [],
      resourceLimits: { stackSizeMb },
    });
    this.#worker.unref();
    this.#worker.on('message', (message: FromWorker) => this.#receive(message));
    this.#worker.on('error', (error) => this.#fail(`the evaluator failed: ${error.message}`));
    this.#worker.once('exit', () => this.#fail('the evaluator ended by itself'));
  }

  /** Whether a job can be handed in. */
  get isFree(): boolean {
    return this.#job === undefined && this.#ending === undefined;
  }

  /** Evaluates; the thread must be free. */
  evaluate(request: PreparedRequest, signal: AbortSignal | undefined): Promise<EvaluateResult> {
    return new Promise((resolve, reject) => {
      const job: Job = {
        id: ++this.#jobs,
        request,
        signal,
        onAbort: () => this.#cancel(job),
        resolve,
        reject,
        loaded: [],
        missing: [],
        armedAt: 0,
        remainingMs: request.limits.timeMs,
        fetching: false,
      };
      this.#job = job;
      this.#worker.ref();
      signal?.addEventListener('abort', job.onAbort);
      this.#fetch(job, [request.entry], (texts) => this.#start(job, texts[0]));
    });
  }

  /** Ends the thread, and what it runs with the limit `cancelled`. Safe to call twice. */
  stop(): Promise<void> {
    if (this.#job) this.#settle(this.#job, this.#limitReached(this.#job, 'cancelled', 'was cancelled'));
    return this.#end();
  }

  #end(): Promise<void> {
    if (this.#ending !== undefined) return this.#ending;
    // What waits for its place must find this process alive when it has ended.
    this.#worker.ref();
    this.#ending = this.#worker.terminate().then(() => this.#events.ended(this));
    return this.#ending;
  }

  /** Finds texts, and goes on with them; at once if they are there at once. */
  #fetch(job: Job, paths: readonly string[], proceed: (texts: (string | undefined)[]) => void): void {
    job.fetching = true;
    const arrived = (texts: (string | undefined)[]) => {
      if (this.#job !== job) return;
      job.fetching = false;
      for (const [i, path] of paths.entries()) note(job, path, texts[i]);
      proceed(texts);
    };
    try {
      const texts = paths.map((path) => job.request.find(path));
      if (texts.every((text) => typeof text !== 'object')) arrived(texts as (string | undefined)[]);
      else
        Promise.all(texts)
          .then(arrived)
          .catch((error) => this.#refuse(job, error));
    } catch (error) {
      this.#refuse(job, error);
    }
  }

  #start(job: Job, text: string | undefined): void {
    const { config, entry, limits } = job.request;
    const known = config === this.#config;
    this.#config = config;
    this.#post({ kind: 'evaluate', job: job.id, ...(!known && { config }), entry, text, timeMs: limits.timeMs });
    this.#arm(job, job.remainingMs + graceMs + (this.#ready ? 0 : startMs));
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #receive(message: FromWorker): void {
    const job = this.#job;
    if (message.kind === 'ready') this.#ready = true;
    if (!job) return;
    switch (message.kind) {
      case 'ready':
        // What was cancelled while the thread started gets no more than what is cancelled later.
        if (job.timer) this.#arm(job, (job.signal?.aborted ? 0 : job.remainingMs) + graceMs);
        break;
      case 'wanted':
        this.#disarm(job);
        this.#fetch(job, message.paths, (texts) => {
          this.#post({ kind: 'files', texts });
          this.#arm(job, job.remainingMs + graceMs);
        });
        break;
      case 'result':
        if (message.memoryBytes > keptMemoryBytes) void this.#end();
        this.#settle(job, this.#toResult(job, message.json));
        break;
      case 'died':
        void this.#end();
        this.#settle(job, this.#diedOf(job, message.reason, message.message));
    }
  }

  #arm(job: Job, ms: number): void {
    clearTimeout(job.timer);
    job.armedAt = performance.now();
    job.timer = setTimeout(() => this.#overdue(job), ms);
  }

  #disarm(job: Job): void {
    clearTimeout(job.timer);
    job.timer = undefined;
    job.remainingMs = Math.max(0, job.remainingMs - (performance.now() - job.armedAt));
  }

  #overdue(job: Job): void {
    // The answer may be on its way while this thread was too busy to take it.
    if (Atomics.load(this.#numbers, cells.finished) === job.id) {
      this.#arm(job, graceMs);
      return;
    }
    void this.#end();
    const error = job.signal?.aborted
      ? this.#limitReached(job, 'cancelled', 'was cancelled')
      : this.#limitReached(job, 'time', `took longer than ${job.request.limits.timeMs} ms`);
    this.#settle(job, error);
  }

  #cancel(job: Job): void {
    if (job.fetching) {
      this.#settle(job, this.#limitReached(job, 'cancelled', 'was cancelled'));
      return;
    }
    Atomics.store(this.#numbers, cells.cancelled, job.id);
    this.#arm(job, graceMs + (this.#ready ? 0 : startMs));
  }

  #fail(message: string): void {
    const job = this.#job;
    void this.#end();
    if (job) this.#settle(job, this.#failure(job, { kind: 'runtime', message }));
  }

  #refuse(job: Job, error: unknown): void {
    if (this.#release(job)) job.reject(error);
  }

  #settle(job: Job, result: EvaluateResult): void {
    if (this.#release(job)) job.resolve(result);
  }

  #release(job: Job): boolean {
    if (this.#job !== job) return false;
    clearTimeout(job.timer);
    job.signal?.removeEventListener('abort', job.onAbort);
    this.#job = undefined;
    if (this.#ending !== undefined) return true;
    this.#worker.unref();
    this.#events.free(this);
    return true;
  }

  #toResult(job: Job, json: string): EvaluateResult {
    const { loaded, missing } = job;
    const { errors, globals, ...rest } = decodeResult(json, loaded, job.request.builtins);
    const [first, ...others] = errors;
    if (first) return { ok: false, errors: [first, ...others], ...rest, loaded, missing };
    return { ok: true, globals, ...rest, loaded, missing };
  }

  #diedOf(job: Job, reason: 'memory' | 'nesting' | 'broken', message: string): EvaluateResult {
    if (reason === 'nesting') return this.#limitReached(job, 'nesting', 'source, values or calls are nested too deep');
    if (reason === 'broken') return this.#failure(job, { kind: 'runtime', message: `the evaluator broke: ${message}` });
    return this.#limitReached(
      job,
      'memory',
      `needs more than ${Math.floor(this.#memoryBytes / 2 ** 20)} MiB of memory`,
    );
  }

  #limitReached(job: Job, limit: LimitName, message: string): EvaluateResult {
    return this.#failure(job, { kind: 'limit', limit, message });
  }

  /** A failure at the statement that ran last. */
  #failure(job: Job, error: Pick<StarlarkError, 'kind' | 'message' | 'limit'>): EvaluateResult {
    const { loaded, missing } = job;
    const [file, line, column] = this.#numbers.subarray(cells.file) as unknown as [number, number, number];
    const place = { file: loaded[file] ?? job.request.entry, line, column, backtrace: [] };
    return { ok: false, errors: [{ ...error, ...place }], calls: [], prints: [], steps: 0, loaded, missing };
  }
}
