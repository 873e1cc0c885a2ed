import { differences, type Inventory } from './inventory.ts';

/** What may always be had again, or is kept so that going back needs no build: git's mirrors, evaluations, artifacts and their logs. */
const KEPT_FOLDERS = /^data\/(mirrors|trees|process\/(artifacts|builds))(\/|$)/;
const KEPT_ROWS = /^(artifacts|evaluations) /;
/** A place of the route table that leads nowhere. */
const TOMBSTONE = /^routes .*"serve":null/;

/**
 * What is there and was not, or the other way round, but for retained artifacts, caches and tombstones. Commits are not compared: two
 * that bring the same files are as good as one.
 */
export function leftovers(after: Inventory, before: Inventory): string[] {
  return differences(withoutKept(after), withoutKept(before));
}

function withoutKept({ processes, folders, rows, answers }: Inventory): Inventory {
  return {
    processes,
    answers,
    folders: folders.filter((line) => !KEPT_FOLDERS.test(line)),
    rows: rows.filter((line) => !KEPT_ROWS.test(line) && !TOMBSTONE.test(line)).map(withoutCommits),
  };
}

function withoutCommits(row: string): string {
  return row
    .replace(/"kept":\[[^\]]*\]/, '"kept":"SOME"')
    .replace(/"baseline":\{[^}]*\}/, '"baseline":"SOME"')
    .replace(/"(?:[a-z]+ \d+|[0-9a-f]{40})"/g, '"COMMIT"');
}
