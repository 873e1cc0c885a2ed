import { availableParallelism } from 'node:os';
import { relative, resolve } from 'node:path';
import { run } from 'node:test';
import type { Outcome } from './outcome.ts';
import { TestReport } from './test-report.ts';

// A file that takes this long hangs; the whole suite has a quarter of an hour.
const fileTimeoutMs = 8 * 60_000;

/** Runs test files, each in a process of its own, and prints one line for each, failures whole. */
export async function runTests(root: string, files: readonly string[]): Promise<Outcome> {
  const events = run({
    files: files.map((file) => resolve(root, file)),
    concurrency: Math.max(2, availableParallelism()),
    execArgv: process.execArgv,
    timeout: fileTimeoutMs,
  });
  const report = new TestReport((file) => relative(root, file));
  for await (const event of events) report.add(event);
  return report.end();
}
