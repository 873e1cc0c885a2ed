/**
 * Whether a symlink at `path` (relative to the tree) may lead out of the tree. `..` may only come first: the folders above a
 * link are real ones, but after a name it would depend on what other links resolve to.
 */
export function leavesTree(path: string, target: string): boolean {
  if (target === '' || target.startsWith('/') || target.includes('\0')) return true;
  let depth = path.split('/').length - 1;
  let namesCame = false;
  for (const part of target.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') namesCame = true;
    else if (namesCame || --depth < 0) return true;
  }
  return false;
}
