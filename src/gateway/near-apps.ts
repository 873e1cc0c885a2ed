import { distance } from 'fastest-levenshtein';

const MOST_SHOWN = 3;
const LONGEST_PATH = 200;

/** The paths that may have been meant by one where no app lives: begun as asked for, or a few letters off; the nearest first. */
export function nearApps(asked: string, paths: readonly string[]): readonly string[] {
  if (asked.length > LONGEST_PATH) return [];
  return paths
    .map((path) => {
      // Apps have what is below them, so only as much of the address is compared as the app's path has segments.
      const depth = path.split('/').length;
      const off = distance(asked.toLowerCase().split('/').slice(0, depth).join('/'), path.toLowerCase());
      return { path, off, most: Math.max(2, Math.floor(path.length / 4)) };
    })
    .filter(({ off, most }) => off <= most)
    .sort((a, b) => a.off - b.off || (a.path < b.path ? -1 : 1))
    .slice(0, MOST_SHOWN)
    .map(({ path }) => path);
}
