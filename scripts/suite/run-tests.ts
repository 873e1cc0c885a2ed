import { resolve } from 'node:path';
import { run } from 'node:test';
import { fileURLToPath } from 'node:url';
import { execaNode } from 'execa';
import { FileReport, renderReport, toSeconds } from './file-report.ts';
import { sharedFolder } from './find-tests.ts';
import { nothing, type Outcome, sum } from './outcome.ts';
import { sideBySide } from './side-by-side.ts';

// A file that takes this long hangs: the real builds of all specs take a third of it.
const fileTimeoutMs = 20 * 60_000;
// Most of the time to start of a test that only imports `node:http` would be that of another HTTP client.
const lightHttp = `--import=${import.meta.resolve('../../src/light-http.ts')}`;
const sharedProcess = fileURLToPath(new URL('shared-process.ts', import.meta.url));
const slowMs = 1_000;
const slowestCount = 5;

interface TestRun {
  readonly name: string;
  readonly ms: number;
  readonly outcome: Outcome;
}

/** How test files are run. */
export interface RunOptions {
  /** Once it is aborted, files that run are ended and no other is started. */
  readonly stop?: AbortSignal;
  /** What has to be there before a file may start; default: nothing. */
  readonly before?: (file: string) => Promise<unknown>;
  /** The folder whose files share a process with this one, one after the other; undefined: it has a process of its own. */
  readonly folderOf?: (file: string) => string | undefined;
}

/** Runs test files and prints a line for each process, failures whole, then the slowest. */
export async function runTests(root: string, files: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const { stop = new AbortController().signal, before = async () => undefined, folderOf = sharedFolder } = options;
  const together = Map.groupBy(files, (file) => folderOf(file) ?? file);
  const work = [...together].map(([name, [first = '', ...others]]) => async (): Promise<TestRun[]> => {
    await before(first);
    if (stop.aborted) return [];
    return [await (others.length === 0 ? runFile(root, first, stop) : runFolder(root, name, [first, ...others], stop))];
  });
  const runs = (await sideBySide(work)).flat();
  printSlowest(runs);
  return sum(runs.map(({ outcome }) => outcome));
}

async function runFolder(root: string, name: string, files: readonly string[], stop: AbortSignal): Promise<TestRun> {
  const startedMs = performance.now();
  const result = await execaNode(sharedProcess, [name, ...files.map((file) => resolve(root, file))], {
    nodeOptions: [...process.execArgv, lightHttp],
    // Else Node takes it for a part of the run that a test of this suite is in.
    env: { NODE_TEST_CONTEXT: undefined },
    ipc: true,
    all: true,
    cancelSignal: stop,
    timeout: fileTimeoutMs,
    reject: false,
  });
  const ms = performance.now() - startedMs;
  // Nothing is told by a process that a test ended.
  const [told = null] = result.ipcOutput as unknown as readonly Outcome[];
  const isWhole = told !== null && (!result.failed || told.failures.length > 0);
  const whole = { name: `${name} as a whole`, detail: result.shortMessage ?? 'it ended before its tests did' };
  const outcome = isWhole ? told : { ...nothing, ...told, failures: [whole] };
  console.log(renderReport({ name: `${name}, ${files.length} files`, outcome, output: result.all, ms }));
  return { name, ms, outcome };
}

// One run a file, not one for all: Node 22 does not say which file runs a test that it took from another.
async function runFile(root: string, file: string, stop: AbortSignal): Promise<TestRun> {
  const startedMs = performance.now();
  const path = resolve(root, file);
  const report = new FileReport(file, path);
  // The runner's own time limit ends tests, but not a process that something left open keeps alive.
  const signal = AbortSignal.any([stop, AbortSignal.timeout(fileTimeoutMs)]);
  const events = run({ files: [path], execArgv: [...process.execArgv, lightHttp], signal });
  for await (const event of events) report.add(event);
  const ms = performance.now() - startedMs;
  console.log(report.render(ms));
  return { name: file, ms, outcome: report.outcome() };
}

function printSlowest(runs: readonly TestRun[]): void {
  const slow = runs.filter(({ ms }) => ms >= slowMs).sort((a, b) => b.ms - a.ms);
  if (slow.length === 0) return;
  console.log('\nslowest:');
  for (const { name, ms } of slow.slice(0, slowestCount)) console.log(`  ${toSeconds(ms).padStart(8)}  ${name}`);
}
