import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { decodeLeb, encodeLeb, memoryLimitOf, withMemoryLimit } from '../src/memory-limit.ts';
import { createWasi, ProgramExit } from '../src/wasi.ts';

const committed = readFileSync(new URL('../starlark.wasm', import.meta.url));
const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const custom = [0, 3, 1, 0x78, 7];
const exported = [7, 7, 1, 3, 0x6d, 0x65, 0x6d, 2, 0];
const moduleOf = (...sections: number[][]) => Uint8Array.from([...header, ...sections.flat()]);

async function exportedMemory(
  wasm: Uint8Array<ArrayBuffer>,
): Promise<WebAssembly.Memory & { grow(pages: number): number }> {
  const { exports } = new WebAssembly.Instance(await WebAssembly.compile(wasm), {});
  return exports.mem as WebAssembly.Memory & { grow(pages: number): number };
}

for (const [subject, memory] of [
  ['without a maximum', [5, 3, 1, 0, 2]],
  ['with a maximum', [5, 4, 1, 1, 2, 9]],
  ['whose section size is padded', [5, 0x83, 0x00, 1, 0, 2]],
] as const) {
  test(`a memory ${subject} gets the one asked for, and nothing else changes`, async () => {
    const patched = withMemoryLimit(moduleOf(custom, [...memory], exported), 300);
    assert.deepEqual(patched, moduleOf(custom, [5, 5, 1, 1, 2, 0xac, 0x02], exported));
    assert.deepEqual(memoryLimitOf(patched), { min: 2, max: 300 });
    const grown = await exportedMemory(patched);
    assert.equal(grown.grow(298), 2);
    assert.throws(() => grown.grow(1), RangeError);
  });
}

for (const [subject, wasm] of [
  ['no module', Uint8Array.from([1, 2, 3])],
  ['no memory section', moduleOf(custom)],
  ['a section that ends beyond the file', moduleOf([5, 100, 1, 0, 2])],
  ['a number without end', moduleOf([5, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])],
  ['two memories', moduleOf([5, 5, 2, 0, 2, 0, 2])],
  ['a shared memory', moduleOf([5, 4, 1, 3, 2, 9])],
] as const) {
  test(`${subject} is refused`, () => assert.throws(() => withMemoryLimit(wasm, 300), TypeError));
}

test('a maximum below what the module starts with is refused', () => {
  assert.throws(() => withMemoryLimit(moduleOf([5, 3, 1, 0, 2]), 1), RangeError);
});

for (const value of [0, 127, 128, 4_096, 65_536, 2 ** 32 - 1]) {
  test(`${value} survives its LEB128 form`, () => {
    const bytes = encodeLeb(value);
    assert.deepEqual(decodeLeb(Uint8Array.from(bytes), 0), { value, next: bytes.length });
  });
}

test('the committed program has a memory maximum of 256 MiB', () => {
  assert.equal(memoryLimitOf(committed).max, 4_096);
});

test('the program can ask its host for nothing but what is listed here', async () => {
  const imports = WebAssembly.Module.imports(await WebAssembly.compile(Uint8Array.from(committed)));
  const names = new Set(
    imports.map(({ module, name }) => `${module === 'wasi_snapshot_preview1' ? 'wasi' : module} ${name}`),
  );
  assert.deepEqual([...names].sort(), [
    'starlark mark',
    'starlark tick',
    'wasi args_get',
    'wasi args_sizes_get',
    'wasi clock_time_get',
    'wasi environ_get',
    'wasi environ_sizes_get',
    'wasi fd_close',
    'wasi fd_fdstat_get',
    'wasi fd_fdstat_set_flags',
    'wasi fd_filestat_get',
    'wasi fd_prestat_dir_name',
    'wasi fd_prestat_get',
    'wasi fd_read',
    'wasi fd_write',
    'wasi path_filestat_get',
    'wasi path_open',
    'wasi poll_oneoff',
    'wasi proc_exit',
    'wasi random_get',
    'wasi sched_yield',
  ]);
});

test('the WASI it sees has no files, and the same clock and random numbers every time', () => {
  const look = () => {
    const memory = { buffer: new ArrayBuffer(64) };
    const { imports, attach } = createWasi();
    attach(memory);
    const call = (name: string, ...args: unknown[]) => (imports[name] as (...args: unknown[]) => number)(...args);
    assert.equal(call('path_open'), 52);
    assert.equal(call('fd_read', 0), 8);
    assert.equal(call('fd_prestat_get', 3), 8);
    assert.throws(() => call('proc_exit', 2), ProgramExit);
    assert.equal(call('environ_sizes_get', 56, 60), 0);
    call('random_get', 0, 32);
    call('clock_time_get', 0, 0n, 32);
    return [...new Uint8Array(memory.buffer)];
  };
  assert.deepEqual(look(), look());
});
