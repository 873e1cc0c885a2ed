/** A WebAssembly page, the unit of memory sections. */
export const pageBytes = 65_536;

const memorySectionId = 5;
const headerBytes = 8;

/**
 * Returns a copy of a WebAssembly module whose memory can't grow beyond that many pages. Go's linker gives memory no
 * maximum, so a program could take all there is. Throws if the module is malformed, or needs more from the start.
 */
export function withMemoryLimit(wasm: Uint8Array, maxPages: number): Uint8Array<ArrayBuffer> {
  const section = findMemorySection(wasm);
  const limits = readLimits(wasm, section.start);
  if (maxPages < limits.min) {
    throw new RangeError(
      `memory limit: should be at least ${limits.min} pages, which the module starts with, got ${maxPages}`,
    );
  }
  const payload = [1, limits.flags | 1, ...encodeLeb(limits.min), ...encodeLeb(maxPages)];
  const patched = [memorySectionId, ...encodeLeb(payload.length), ...payload];
  return concat(wasm.subarray(0, section.offset), Uint8Array.from(patched), wasm.subarray(section.end));
}

/** Reads the memory limits of a module, in pages. */
export function memoryLimitOf(wasm: Uint8Array): { min: number; max: number | undefined } {
  const { min, max } = readLimits(wasm, findMemorySection(wasm).start);
  return { min, max };
}

function findMemorySection(wasm: Uint8Array): { offset: number; start: number; end: number } {
  const magic = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  if (wasm.length < headerBytes || magic.some((byte, i) => wasm[i] !== byte))
    throw new TypeError('not a WebAssembly module');
  let offset = headerBytes;
  while (offset < wasm.length) {
    const size = decodeLeb(wasm, offset + 1);
    const end = size.next + size.value;
    if (end > wasm.length) throw new TypeError('WebAssembly module: a section ends beyond the file');
    if (wasm[offset] === memorySectionId) return { offset, start: size.next, end };
    offset = end;
  }
  throw new TypeError('WebAssembly module: no memory section');
}

function readLimits(wasm: Uint8Array, start: number): { flags: number; min: number; max: number | undefined } {
  const count = decodeLeb(wasm, start);
  const flags = wasm[count.next];
  // Flag 1: a maximum follows. Others (shared, 64 bit) would need more than a changed number.
  if (count.value !== 1 || flags === undefined || flags > 1)
    throw new TypeError('WebAssembly module: unexpected kind of memory');
  const min = decodeLeb(wasm, count.next + 1);
  return { flags, min: min.value, max: flags === 1 ? decodeLeb(wasm, min.next).value : undefined };
}

/** Reads an unsigned LEB128 number of at most 32 bits. */
export function decodeLeb(bytes: Uint8Array, offset: number): { value: number; next: number } {
  let value = 0;
  for (let i = 0; i < 5; i++) {
    const byte = bytes[offset + i];
    if (byte === undefined) break;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, next: offset + i + 1 };
  }
  throw new TypeError('WebAssembly module: a number has no end');
}

/** Writes an unsigned LEB128 number. */
export function encodeLeb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return [...bytes, rest];
}

function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
