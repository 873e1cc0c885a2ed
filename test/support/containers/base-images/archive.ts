import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { execa } from 'execa';
import type { Part } from './recipe.ts';

/** All that lies below a folder, relative to it and the folder itself included, without those that `isOut` names. */
export function below(root: string, folder: string, isOut: (path: string) => boolean = () => false): string[] {
  const found = [folder];
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (isOut(path)) continue;
    if (entry.isDirectory()) found.push(...below(root, path, isOut));
    else found.push(path);
  }
  return found;
}

/** An archive of parts as one tree, in the format of tar. `done` fails if it did not become whole. */
export function archive(parts: readonly Part[]): { readonly stream: PassThrough; readonly done: Promise<unknown> } {
  const tar = execa('tar', ['-c', '-P', '--numeric-owner', '--no-recursion', ...renames(parts), '--null', '-T', '-'], {
    input: [...sourceByTarget(parts).values()].join('\0'),
    encoding: 'buffer',
    buffer: { stdout: false },
  });
  // The engine's client takes a plain stream only.
  const stream = new PassThrough();
  tar.stdout.pipe(stream);
  return { stream, done: tar };
}

// Each path once: tar would store the second as a link to the first, which an engine refuses.
function sourceByTarget(parts: readonly Part[]): Map<string, string> {
  const sources = new Map<string, string>();
  for (const { from, files, to } of parts) {
    for (const file of files) {
      const target = join(to, file);
      const isFolderAgain = sources.has(target) && lstatSync(join(from, file)).isDirectory();
      if (!isFolderAgain && target !== '/') sources.set(target, join(from, file));
    }
  }
  return sources;
}

// The longest place first, and "/" last, so that each path is renamed by its own part. Targets of symbolic links stay.
function renames(parts: readonly Part[]): string[] {
  const byLength = [...parts].sort((a, b) => b.from.length - a.from.length);
  return byLength.map(({ from, to }) => {
    const place = escapePattern(from.replace(/\/$/, ''));
    const target = to.replaceAll(/^\/|\/$/g, '');
    return `--transform=flags=rhS;s,^${place}\\(/\\|$\\),${target === '' ? '' : `${target}\\1`},`;
  });
}

function escapePattern(text: string): string {
  return text.replaceAll(/[.*[\]^$\\,]/g, '\\$&');
}
