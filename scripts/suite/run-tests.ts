import { resolve } from 'node:path';
import { run } from 'node:test';
import { FileReport, toSeconds } from './file-report.ts';
import { type Outcome, sum } from './outcome.ts';
import { sideBySide } from './side-by-side.ts';

// A file that takes this long hangs: the real builds of all specs take a third of it.
const fileTimeoutMs = 20 * 60_000;
// Most of the time to start of a test that only imports `node:http` would be that of another HTTP client.
const lightHttp = `--import=${import.meta.resolve('../../src/light-http.ts')}`;
const slowMs = 1_000;
const slowestCount = 5;

interface FileRun {
  readonly file: string;
  readonly ms: number;
  readonly outcome: Outcome;
}

/** How test files are run. */
export interface RunOptions {
  /** Once it is aborted, files that run are ended and no other is started. */
  readonly stop?: AbortSignal;
  /** What has to be there before a file may start; default: nothing. */
  readonly before?: (file: string) => Promise<unknown>;
}

/** Runs test files, each in a process of its own, and prints one line for each, failures whole, then the slowest. */
export async function runTests(
  root: string,
  files: readonly string[],
  { stop = new AbortController().signal, before = async () => undefined }: RunOptions = {},
): Promise<Outcome> {
  const runUnlessStopped = async (file: string): Promise<FileRun[]> => {
    await before(file);
    return stop.aborted ? [] : [await runFile(root, file, stop)];
  };
  const runs = (await sideBySide(files.map((file) => () => runUnlessStopped(file)))).flat();
  printSlowest(runs);
  return sum(runs.map(({ outcome }) => outcome));
}

// One run a file, not one for all: Node 22 does not say which file runs a test that it took from another.
async function runFile(root: string, file: string, stop: AbortSignal): Promise<FileRun> {
  const startedMs = performance.now();
  const path = resolve(root, file);
  const report = new FileReport(file, path);
  // The runner's own time limit ends tests, but not a process that something left open keeps alive.
  const signal = AbortSignal.any([stop, AbortSignal.timeout(fileTimeoutMs)]);
  const events = run({ files: [path], execArgv: [...process.execArgv, lightHttp], signal });
  for await (const event of events) report.add(event);
  const ms = performance.now() - startedMs;
  console.log(report.render(ms));
  return { file, ms, outcome: report.outcome() };
}

function printSlowest(runs: readonly FileRun[]): void {
  const slow = runs.filter(({ ms }) => ms >= slowMs).sort((a, b) => b.ms - a.ms);
  if (slow.length === 0) return;
  console.log('\nslowest files:');
  for (const { file, ms } of slow.slice(0, slowestCount)) console.log(`  ${toSeconds(ms).padStart(8)}  ${file}`);
}
