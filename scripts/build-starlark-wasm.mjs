// Builds starlark-wasm/starlark.wasm from its Go source, byte for byte the same each time.
//   node scripts/build-starlark-wasm.mjs [FILE]    build into FILE (default: the committed one)
//   node scripts/build-starlark-wasm.mjs --check   build aside, compare with the committed one: exit 1 if they differ
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withMemoryLimit } from '../starlark-wasm/src/memory-limit.ts';

const source = fileURLToPath(new URL('../starlark-wasm/go', import.meta.url));
const committed = fileURLToPath(new URL('../starlark-wasm/starlark.wasm', import.meta.url));
// The wrapper sets its own maximum when it loads the module; this one is for whoever loads it without.
const maxPages = 4_096;

const argument = process.argv[2];
if (argument === '--check') {
  check();
} else {
  const target = resolve(argument ?? committed);
  const wasm = build();
  writeFileSync(target, wasm);
  console.log(`${target}: ${wasm.length} bytes`);
}

function check() {
  const wasm = build();
  if (Buffer.compare(wasm, readFileSync(committed)) !== 0) {
    console.error(
      'starlark-wasm/starlark.wasm is not what its Go source builds: run node scripts/build-starlark-wasm.mjs and commit the file',
    );
    process.exit(1);
  }
  console.log(`starlark-wasm/starlark.wasm is what its Go source builds (${wasm.length} bytes)`);
}

function build() {
  const folder = mkdtempSync(join(tmpdir(), 'starlark-wasm-'));
  try {
    const linked = join(folder, 'linked.wasm');
    const flags = ['-buildmode=c-shared', '-trimpath', '-buildvcs=false', '-mod=readonly', '-ldflags=-s -w -buildid='];
    execFileSync('go', ['build', ...flags, '-o', linked, '.'], {
      cwd: source,
      env: buildEnvironment(),
      stdio: 'inherit',
    });
    return withMemoryLimit(readFileSync(linked), maxPages);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The compiler's version is part of what it yields, so go.mod names it, and Go fetches that one if it is another. */
function buildEnvironment() {
  const toolchain = /^toolchain (\S+)$/m.exec(readFileSync(join(source, 'go.mod'), 'utf8'))?.[1];
  if (!toolchain) throw new Error('starlark-wasm/go/go.mod: should name its toolchain');
  return {
    ...process.env,
    GOOS: 'wasip1',
    GOARCH: 'wasm',
    GOWASM: '',
    GOFLAGS: '',
    GOEXPERIMENT: '',
    GOWORK: 'off',
    CGO_ENABLED: '0',
    GOTOOLCHAIN: toolchain,
  };
}
