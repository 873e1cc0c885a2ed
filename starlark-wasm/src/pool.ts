import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { pageBytes, withMemoryLimit } from './memory-limit.ts';
import { type PreparedRequest, prepareRequest } from './request.ts';
import { ThreadHandle } from './thread-handle.ts';
import type { EvaluateRequest, EvaluateResult, PoolOptions, StarlarkPool } from './types.ts';

const minMemoryBytes = 16 * 2 ** 20;
const maxMemoryBytes = 2 ** 31;

/** Makes a pool; nothing is read or started before the first evaluation. Throws a TypeError for options out of range. */
export function createStarlarkPool(options: PoolOptions = {}): StarlarkPool {
  const workers = options.workers ?? Math.min(4, availableParallelism());
  const idleMs = options.idleMs ?? 5_000;
  const memoryBytes = options.memoryBytes ?? 256 * 2 ** 20;
  if (!Number.isInteger(workers) || workers < 1) throw new TypeError(`workers: should be at least 1, got ${workers}`);
  if (!(idleMs >= 0)) throw new TypeError(`idleMs: should be at least 0, got ${idleMs}`);
  if (!(memoryBytes >= minMemoryBytes && memoryBytes <= maxMemoryBytes)) {
    throw new TypeError(`memoryBytes: should be from ${minMemoryBytes} to ${maxMemoryBytes}, got ${memoryBytes}`);
  }
  return new Pool({ workers, idleMs, memoryBytes });
}

interface Waiting {
  readonly request: PreparedRequest;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (result: EvaluateResult | Promise<EvaluateResult>) => void;
  readonly onAbort: () => void;
}

class Pool implements StarlarkPool {
  readonly #options: Required<PoolOptions>;
  readonly #threads = new Map<ThreadHandle, NodeJS.Timeout | undefined>();
  readonly #queue: Waiting[] = [];
  #module: Promise<WebAssembly.Module> | undefined;
  #closed = false;

  constructor(options: Required<PoolOptions>) {
    this.#options = options;
  }

  get size(): number {
    return this.#threads.size;
  }

  async evaluate(request: EvaluateRequest, signal?: AbortSignal): Promise<EvaluateResult> {
    const prepared = prepareRequest(request, this.#options.memoryBytes);
    // Compiled once: the threads share the code.
    this.#module ??= compileProgram(this.#options.memoryBytes);
    const module = await this.#module;
    if (this.#closed) throw new Error('the Starlark pool is closed');
    if (signal?.aborted) return cancelled(prepared);
    return new Promise((resolve) => {
      const waiting: Waiting = { request: prepared, signal, resolve, onAbort: () => this.#withdraw(waiting) };
      signal?.addEventListener('abort', waiting.onAbort);
      this.#queue.push(waiting);
      this.#pump(module);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const waiting of [...this.#queue]) this.#withdraw(waiting);
    await Promise.all([...this.#threads.keys()].map((thread) => thread.stop()));
  }

  #withdraw(waiting: Waiting): void {
    const index = this.#queue.indexOf(waiting);
    if (index < 0) return;
    this.#queue.splice(index, 1);
    waiting.signal?.removeEventListener('abort', waiting.onAbort);
    waiting.resolve(cancelled(waiting.request));
  }

  /** Hands out what waits, as far as there are threads for it. */
  #pump(module: WebAssembly.Module): void {
    while (this.#queue.length > 0) {
      const thread = this.#freeThread() ?? this.#newThread(module);
      const next = thread && this.#queue.shift();
      if (!next) return;
      next.signal?.removeEventListener('abort', next.onAbort);
      // One signal may end several evaluations, and the first to hear of it makes room for the next.
      if (next.signal?.aborted) {
        next.resolve(cancelled(next.request));
        continue;
      }
      clearTimeout(this.#threads.get(thread));
      next.resolve(thread.evaluate(next.request, next.signal));
    }
  }

  #freeThread(): ThreadHandle | undefined {
    return this.#threads.keys().find((thread) => thread.isFree);
  }

  #newThread(module: WebAssembly.Module): ThreadHandle | undefined {
    if (this.#threads.size >= this.#options.workers) return undefined;
    const thread = new ThreadHandle(module, this.#options.memoryBytes, {
      free: (handle) => {
        this.#pump(module);
        if (handle.isFree)
          this.#threads.set(handle, setTimeout(() => void handle.stop(), this.#options.idleMs).unref());
      },
      ended: (handle) => {
        this.#threads.delete(handle);
        if (this.#threads.size === 0) this.#module = undefined;
        if (!this.#closed) this.#pump(module);
      },
    });
    this.#threads.set(thread, undefined);
    return thread;
  }
}

async function compileProgram(memoryBytes: number): Promise<WebAssembly.Module> {
  const wasm = await readFile(new URL('../starlark.wasm', import.meta.url));
  return WebAssembly.compile(withMemoryLimit(wasm, Math.ceil(memoryBytes / pageBytes)));
}

function cancelled({ entry }: PreparedRequest): EvaluateResult {
  const place = { file: entry, line: 0, column: 0, backtrace: [] };
  const error = { kind: 'limit', limit: 'cancelled', message: 'was cancelled', ...place } as const;
  return { ok: false, errors: [error], calls: [], prints: [], loaded: [], missing: [], steps: 0 };
}
