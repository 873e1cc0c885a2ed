import type { RecordedSource } from '../../model/recorded.ts';
import type { Snapshot, SourceState } from '../../model/snapshot.ts';

/** The recorded sources as of one instant, as `Snapshot` has them. Rows are never changed in place, so a copy of the map is enough. */
export function sourceStates(rows: ReadonlyMap<string, RecordedSource>): Snapshot['sources'] {
  const copy = new Map(rows);
  return { get: (key) => stateOf(copy.get(key)) };
}

/** What is known of a source: its files as last read, or why there are none. */
function stateOf(row: RecordedSource | undefined): SourceState | undefined {
  if (row === undefined) return undefined;
  return row.resolved ?? (row.problem === null ? undefined : { problem: row.problem });
}
