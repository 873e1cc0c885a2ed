import { createWasi, ProgramExit, type Wasi } from './wasi.ts';

/** What the program asks its host while it runs. */
export interface Host {
  /** Whether to go on: 0 yes, 1 time is up, 2 cancelled. */
  tick(): number;
  /** The statement at this place is about to run; line 0: the file is being parsed. Files are counted as they were handed in. */
  mark(file: number, line: number, column: number): void;
}

/** Why an instance can't be used any more. */
export type DeathCause = 'memory' | 'nesting' | 'broken';

/** Thrown when the instance died: it must not be called again. */
export class MachineDied extends Error {
  readonly reason: DeathCause;
  constructor(reason: DeathCause, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

interface Exports {
  readonly memory: WebAssembly.Memory;
  _initialize(): void;
  buffer(size: number): number;
  output(): number;
  configure(): number;
  begin(): number;
  provide(): void;
  absent(): void;
  wanted(): number;
  run(): number;
}

/**
 * One instance of the Go program. The exchange: `configure` when the configuration differs from the last one; then
 * `begin` with the entry's path, which like `wanted` returns the paths of files to be handed in, in that order, by
 * `provide`; when none is wanted any more, `run` returns the result as JSON.
 */
export class Machine {
  readonly #exports: Exports;
  readonly #wasi: Wasi;
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder();

  constructor(module: WebAssembly.Module, host: Host) {
    this.#wasi = createWasi();
    const imports = { wasi_snapshot_preview1: this.#wasi.imports, starlark: { tick: host.tick, mark: host.mark } };
    this.#exports = new WebAssembly.Instance(module, imports).exports as unknown as Exports;
    this.#wasi.attach(this.#exports.memory);
    this.#call(() => this.#exports._initialize());
  }

  /** The linear memory, which never shrinks. */
  get memoryBytes(): number {
    return this.#exports.memory.buffer.byteLength;
  }

  configure(config: string): void {
    this.#call(() => {
      this.#write(config);
      const result = this.#exports.configure();
      if (result < 0) throw new TypeError(`configuration: ${this.#read(-result - 1)}`);
    });
  }

  begin(entry: string): string[] {
    return this.#call(() => {
      this.#write(entry);
      return paths(this.#read(this.#exports.begin()));
    });
  }

  /** Hands in the next wanted file; undefined says that there is none. */
  provide(text: string | undefined): void {
    this.#call(() => {
      if (text === undefined) {
        this.#exports.absent();
        return;
      }
      this.#write(text);
      this.#exports.provide();
    });
  }

  wanted(): string[] {
    return this.#call(() => paths(this.#read(this.#exports.wanted())));
  }

  run(): string {
    return this.#call(() => this.#read(this.#exports.run()));
  }

  #write(text: string): void {
    const bytes = this.#encoder.encode(text);
    const address = this.#exports.buffer(bytes.length);
    new Uint8Array(this.#exports.memory.buffer).set(bytes, address);
  }

  #read(length: number): string {
    return this.#decoder.decode(new Uint8Array(this.#exports.memory.buffer, this.#exports.output(), length));
  }

  #call<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw this.#death(error) ?? error;
    }
  }

  /** A Go runtime that gives up says why on its standard error, and then exits or traps. */
  #death(error: unknown): MachineDied | undefined {
    const said = this.#wasi.stderr();
    // Too deep for Go's own stack limit, or for the thread's.
    if (error instanceof RangeError || /stack exceeds|stack overflow/.test(said)) {
      return new MachineDied('nesting', 'nested too deep', { cause: error });
    }
    if (!(error instanceof ProgramExit || error instanceof WebAssembly.RuntimeError)) return undefined;
    if (/out of memory|cannot allocate/.test(said)) return new MachineDied('memory', 'out of memory', { cause: error });
    return new MachineDied('broken', said.split('\n', 1)[0] || error.message, { cause: error });
  }
}

function paths(joined: string): string[] {
  return joined === '' ? [] : joined.split('\0');
}
