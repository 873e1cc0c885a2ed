import type { SpecBook } from '../model/spec.ts';
import type { SpecTable } from '../model/spec-table.ts';

/** What the config dialect checks apps against: the rules of every spec. */
export function specTable(book: SpecBook): SpecTable {
  return Object.fromEntries(Object.values(book).map(({ name, rules }) => [name, rules]));
}
