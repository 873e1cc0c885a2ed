/** Thrown into WebAssembly when the program ends itself, which for a reactor means that it broke. */
export class ProgramExit extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`the program ended with code ${code}`);
    this.code = code;
  }
}

/** The WASI imports of one instance, and what it wrote to its standard error. */
export interface Wasi {
  readonly imports: WebAssembly.ModuleImports;
  /** To be called once the instance is there: WASI calls read and write its memory. */
  attach(memory: WebAssembly.Memory): void;
  stderr(): string;
}

const ok = 0;
const badDescriptor = 8;
const notSupported = 52;
const maxStderrBytes = 16_384;

/**
 * The least that Go's runtime asks of WASI preview 1: no files, no network, no environment, no arguments. The clock
 * is a counter (the runtime only needs it to go on) and random numbers are the same every time, so that nothing but
 * its input decides what an evaluation yields. Not node:wasi, which says of itself that it is no sandbox.
 */
export function createWasi(): Wasi {
  let memory: WebAssembly.Memory;
  let clock = 0n;
  let written = '';
  const view = () => new DataView(memory.buffer);

  const zeroes = (...addresses: number[]) => {
    for (const address of addresses) view().setUint32(address, 0, true);
    return ok;
  };
  const fdWrite = (fd: number, vectors: number, count: number, writtenAt: number): number => {
    if (fd !== 1 && fd !== 2) return badDescriptor;
    let total = 0;
    for (let i = 0; i < count; i++) {
      const length = view().getUint32(vectors + 8 * i + 4, true);
      if (written.length < maxStderrBytes) {
        const from = view().getUint32(vectors + 8 * i, true);
        written += new TextDecoder().decode(new Uint8Array(memory.buffer, from, Math.min(length, maxStderrBytes)));
      }
      total += length;
    }
    view().setUint32(writtenAt, total, true);
    return ok;
  };

  const known: Record<string, (...args: never[]) => number> = {
    args_sizes_get: zeroes,
    args_get: () => ok,
    environ_sizes_get: zeroes,
    environ_get: () => ok,
    sched_yield: () => ok,
    fd_write: fdWrite,
    clock_time_get: (_id: number, _precision: bigint, at: number) => {
      clock += 1_000n;
      view().setBigUint64(at, clock, true);
      return ok;
    },
    random_get: (at: number, length: number) => {
      fillConstantly(new Uint8Array(memory.buffer, at, length));
      return ok;
    },
    poll_oneoff: (_subscriptions: number, events: number, _count: number, eventCountAt: number) => {
      // The only thing to wait for is the clock, and that is ahead as soon as it is looked at.
      clock += 1_000_000n;
      new Uint8Array(memory.buffer, events, 32).fill(0);
      view().setUint32(eventCountAt, 1, true);
      return ok;
    },
    proc_exit: (code: number) => {
      throw new ProgramExit(code);
    },
  };
  const imports = new Proxy(known, { get: (target, name: string) => target[name] ?? refuse(name) });
  return {
    imports: imports as WebAssembly.ModuleImports,
    attach: (attached) => {
      memory = attached;
    },
    stderr: () => written,
  };
}

/** Every other call finds no such descriptor, or is not supported. */
function refuse(name: string): () => number {
  const code = name.startsWith('fd_') ? badDescriptor : notSupported;
  return () => code;
}

/** Marsaglia's xorshift from a fixed seed. */
function fillConstantly(bytes: Uint8Array): void {
  let state = 0x9e37_79b9;
  for (let i = 0; i < bytes.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state & 0xff;
  }
}
