import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { BaseImageUnavailable } from './recipe.ts';

const version = 'go1.26.8';
const sha256s: Readonly<Record<string, string>> = {
  amd64: '30c2b1bf7dcc88d3eb0a1364e47ddd9128edb3110a30e8a0ef61cd5856b31de7',
  arm64: '02b36b6787b3ac767668f630e2998df45a3b1f9ffee08d1bf3ef6487cd658d99',
};

// Beside the Node that the set-up of the checkout fetches where it has to.
const tools = fileURLToPath(new URL('../../../../.node/', import.meta.url));

/**
 * A Go in the checkout, fetched once (72 MB) as the go command itself would: a toolchain is a module, here pinned by its
 * hash.
 */
export async function fetchGo(proxies: string | undefined): Promise<string> {
  const place = join(tools, version);
  if (existsSync(place)) return place;
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const name = `v0.0.1-${version}.linux-${architecture}`;
  const zip = await download(`${firstProxy(proxies)}/golang.org/toolchain/@v/${name}.zip`, sha256s[architecture]);
  mkdirSync(tools, { recursive: true });
  const work = mkdtempSync(join(tools, `work-${process.pid}-go-`));
  try {
    writeFileSync(join(work, 'go.zip'), zip);
    await execa('busybox', ['unzip', '-q', join(work, 'go.zip'), '-d', work]);
    const root = join(work, 'golang.org', `toolchain@${name}`);
    finish(root);
    // Another process may have been faster.
    if (!existsSync(place)) renameSync(root, place);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return place;
}

/** The first of the module proxies that Go is configured with. */
export function firstProxy(proxies: string | undefined): string {
  const first = (proxies ?? '').split(/[,|]/).find((entry) => /^https?:/.test(entry));
  return (first ?? 'https://proxy.golang.org').replace(/\/$/, '');
}

async function download(url: string, sha256: string | undefined): Promise<Buffer> {
  const response = await fetch(url, { signal: AbortSignal.timeout(120_000) });
  if (!response.ok) throw new BaseImageUnavailable(`fetching Go: ${url} answers ${response.status}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== sha256)
    throw new BaseImageUnavailable(`fetching Go: ${url} should have the SHA-256 ${sha256}, got ${found}`);
  return bytes;
}

// A module may hold neither programs that can be run nor the go.mod of another one.
function finish(root: string): void {
  for (const folder of ['src', 'src/cmd']) renameSync(join(root, folder, '_go.mod'), join(root, folder, 'go.mod'));
  const toolFolders = readdirSync(join(root, 'pkg/tool')).map((name) => join('pkg/tool', name));
  for (const folder of ['bin', ...toolFolders]) {
    for (const name of readdirSync(join(root, folder))) chmodSync(join(root, folder, name), 0o755);
  }
}
