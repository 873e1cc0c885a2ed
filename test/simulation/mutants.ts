// Plants faults in the product's code, one at a time and in a copy of it, and sees whether the simulation catches each.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import pLimit from 'p-limit';
import { MUTANTS, type Mutant, misfits } from './mutant-list.ts';
import type { Failure, SimulationReport } from './simulate.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** Inside the checkout, so that packages are found; ignored by git. */
const workshop = join(root, '.mutants');
const TIME_LIMIT_MS = 150_000;
const SIDE_BY_SIDE = 2;
const FIRST_SEED = 1;

const options = { only: { type: 'string' }, histories: { type: 'string', default: '500' } } as const;
const { values } = parseArgs({ options });
const cancel = new AbortController();

function cleanUp(): void {
  rmSync(workshop, { recursive: true, force: true });
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)
  process.on(signal, () => {
    cancel.abort();
    process.exit(code);
  });
process.on('exit', cleanUp);

/** A copy of the product with the fault in it. */
function plant({ edits }: Mutant): string {
  const copy = mkdtempSync(join(workshop, 'm-'));
  for (const folder of ['src', 'test/simulation', 'test/support'])
    cpSync(join(root, folder), join(copy, folder), { recursive: true });
  for (const { file, find, replace } of edits) {
    const path = join(copy, file);
    writeFileSync(path, readFileSync(path, 'utf8').split(find).join(replace));
  }
  return copy;
}

/** Plays histories of the code in a folder; null: no promise was broken. */
async function play(folder: string, seed: number, histories: string): Promise<Failure | null> {
  const args = ['test/simulation/run.ts', '--json', '--seed', String(seed), '--histories', histories];
  const limits = { cwd: folder, timeout: TIME_LIMIT_MS, maxBuffer: 2 ** 26, signal: cancel.signal };
  const [error, stdout, stderr] = await new Promise<[Error | null, string, string]>((resolve) => {
    execFile(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], limits, (...result) =>
      resolve(result),
    );
  });
  if (stdout === '') throw new Error(`the simulation itself failed: ${error?.message ?? ''}\n${stderr}`);
  return (JSON.parse(stdout) as SimulationReport).failure;
}

function describe({ name }: Mutant, failure: Failure | null): string {
  if (failure === null) return `NOT CAUGHT  ${name}`;
  const { history, seed, violations, at, events, of } = failure;
  return [
    `caught  ${name}`,
    `    by history ${history} (seed ${seed}), at ${at}: ${violations[0]}`,
    `    shortest history (${events.length} of ${of} events):`,
    ...events.map((event, place) => `      ${place + 1}. ${event}`),
  ].join('\n');
}

async function check(mutant: Mutant): Promise<boolean> {
  const copy = plant(mutant);
  try {
    const failure = await play(copy, FIRST_SEED, values.histories);
    console.log(describe(mutant, failure));
    if (failure === null) return false;
    // What breaks without the fault as well says nothing about the fault.
    const asItIs = await play(root, failure.seed, '1');
    if (asItIs !== null) console.log(`    NOT COUNTED: so does the code as it is: ${asItIs.violations[0]}`);
    return asItIs === null;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

async function main(): Promise<boolean> {
  const chosen = MUTANTS.filter(({ name }) => values.only === undefined || name.includes(values.only));
  const wrong = misfits(chosen);
  if (wrong.length > 0) throw new Error(`planted faults do not fit the code any more:\n${wrong.join('\n')}`);
  cleanUp();
  mkdirSync(workshop, { recursive: true });
  const started = performance.now();
  const limit = pLimit(SIDE_BY_SIDE);
  const caught = await Promise.all(chosen.map((mutant) => limit(() => check(mutant))));
  const count = caught.filter((wasCaught) => wasCaught).length;
  const seconds = ((performance.now() - started) / 1_000).toFixed(0);
  console.log(`${count} of ${chosen.length} planted faults caught (${seconds} s)`);
  return count === chosen.length && count > 0;
}

process.exitCode = (await main()) ? 0 : 1;
