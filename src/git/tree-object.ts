import { MainspringError } from '../model/errors.ts';
import type { TreeEntry } from './git.ts';
import { UnreadableObject } from './unreadable-object.ts';

/** One entry of a tree as git stores it. `size` is filled in when it is first asked for. */
export interface RawEntry {
  readonly mode: TreeEntry['mode'];
  readonly name: string;
  readonly oid: string;
  size: number | null;
}

const MODES: Readonly<Record<string, TreeEntry['mode']>> = {
  '100644': '100644',
  // Written by very old versions of git.
  '100664': '100644',
  '100755': '100755',
  '120000': '120000',
  '40000': '040000',
  '160000': '160000',
};
const SPACE = 32;

/**
 * Parses a tree object: entries in git's order. Names that no proper git writes, and that would not be safe as files, are
 * `git-tree-unsupported`.
 */
export function parseTree(oid: string, content: Buffer): readonly RawEntry[] {
  const idBytes = oid.length / 2;
  const entries: RawEntry[] = [];
  const names = new Set<string>();
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(SPACE, at);
    const end = content.indexOf(0, space);
    if (space < 0 || end < 0 || end + 1 + idBytes > content.length)
      throw new UnreadableObject(`tree ${oid} is damaged`);
    const mode = MODES[content.toString('latin1', at, space)];
    const name = safeName(oid, content.subarray(space + 1, end), names);
    if (mode === undefined) throw unsupported(oid, name, 'has a mode that git does not know');
    entries.push({ mode, name, oid: content.toString('hex', end + 1, end + 1 + idBytes), size: null });
    at = end + 1 + idBytes;
  }
  return entries;
}

function safeName(oid: string, bytes: Buffer, taken: Set<string>): string {
  const name = bytes.toString('utf8');
  const shown = JSON.stringify(name);
  if (Buffer.byteLength(name) !== bytes.length || name.includes('\ufffd')) {
    throw unsupported(oid, shown, 'has a name that is not UTF-8');
  }
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.toLowerCase() === '.git') {
    throw unsupported(oid, shown, 'has a name that no file may have');
  }
  if (bytes.length > 255) throw unsupported(oid, shown, 'has a name of more than 255 bytes');
  // A link and a folder of one name would let files be written through the link.
  if (taken.has(name)) throw unsupported(oid, shown, 'is there twice');
  taken.add(name);
  return name;
}

function unsupported(oid: string, name: string, why: string): MainspringError {
  return new MainspringError('git-tree-unsupported', `tree ${oid}: the entry ${name} ${why}`, {
    hint: 'Remove it from the repo.',
  });
}
