import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shortId } from './terminal.ts';

/** Which Mainspring this is. `commit` is null where neither the build nor a checkout says it. */
export interface Version {
  readonly version: string;
  readonly commit: string | null;
}

/** Reads version and commit from the package that holds this file: the build wrote them there, in a checkout git knows. */
export function readVersion(start: string = dirname(fileURLToPath(import.meta.url))): Version {
  for (let folder = start; ; folder = dirname(folder)) {
    const manifest = readManifest(join(folder, 'package.json'));
    if (manifest?.name === 'mainspring') {
      return {
        version: manifest.version ?? 'unknown',
        commit: manifest.gitHead ?? checkoutCommit(join(folder, '.git')),
      };
    }
    if (folder === dirname(folder)) return { version: 'unknown', commit: null };
  }
}

/** The version as `--version` prints it. */
export function versionText({ version, commit }: Version): string {
  return commit === null ? version : `${version} (commit ${shortId(commit)})`;
}

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly gitHead?: string | null;
}

function readManifest(file: string): Manifest | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Manifest) : undefined;
}

// Read from git's own files: starting git for this would cost more than all the rest of `--version`.
function checkoutCommit(gitDir: string): string | null {
  const head = readIfThere(join(gitDir, 'HEAD'));
  const ref = /^ref: (.+)$/.exec(head)?.[1];
  if (ref === undefined) return isHash(head) ? head : null;
  const loose = readIfThere(join(gitDir, ref));
  if (isHash(loose)) return loose;
  const packed = readIfThere(join(gitDir, 'packed-refs'))
    .split('\n')
    .find((line) => line.endsWith(` ${ref}`));
  return packed?.split(' ')[0] ?? null;
}

function readIfThere(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
}

function isHash(text: string): boolean {
  return /^[0-9a-f]{40,64}$/.test(text);
}
