import { distance } from 'fastest-levenshtein';

/** The valid name that was probably meant; undefined when none is near. Of two that are as near, the one that begins with what was written. */
export function nearestName(name: string, valid: readonly string[]): string | undefined {
  const wanted = name.toLowerCase();
  const score = (other: string) =>
    2 * distance(wanted, other.toLowerCase()) - (other.toLowerCase().startsWith(wanted) ? 1 : 0);
  const limit = 2 * Math.max(1, Math.floor(name.length / 3));
  let best: { readonly name: string; readonly score: number } | undefined;
  for (const other of valid) {
    const found = score(other);
    if (found <= limit && (best === undefined || found < best.score)) best = { name: other, score: found };
  }
  return best?.name;
}

/** The hint for a name that is not valid: the nearest one, else all there are; `whole` begins that sentence. */
export function nameHint(name: string, valid: readonly string[], whole: string): string {
  const nearest = nearestName(name, valid);
  if (nearest !== undefined) return `Did you mean "${nearest}"?`;
  return valid.length === 0 ? `${whole} takes none.` : `${whole} takes ${[...valid].join(', ')}.`;
}
