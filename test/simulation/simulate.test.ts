import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { execaNode } from 'execa';
import { readImports, sourcesBelow } from '../imports.ts';
import { canAimAt } from './aim.ts';
import { MUTANTS, misfits } from './mutant-list.ts';
import { describeFailure, expectedTally, type SimulationReport, simulate } from './simulate.ts';

/** Always the same histories, so that a red run is one's own doing; `npm run simulate` plays ones that nobody has seen. */
const FIXED = { histories: 150, seed: 20_260_101 };
/** At most so many more for each fault that did not come up in those, aimed at it. */
const AIMED = { histories: 40, seed: 20_270_101 };

const PROCESSES = 2;

/** Plays a share of the histories in a process of its own. */
async function play(share: number): Promise<SimulationReport> {
  const histories = FIXED.histories / PROCESSES;
  const args = ['--json', '--histories', String(histories), '--seed', String(FIXED.seed + share * histories)];
  const run = await execaNode(fileURLToPath(new URL('./run.ts', import.meta.url)), args, { reject: false });
  assert.notEqual(run.stdout, '', run.stderr);
  return JSON.parse(run.stdout) as SimulationReport;
}

test('random histories with crashes at every boundary come to rest exactly as pushed', async (t) => {
  const reports = await Promise.all(Array.from({ length: PROCESSES }, (_, share) => play(share)));
  const seconds = Math.max(...reports.map((report) => report.seconds));
  t.diagnostic(`${FIXED.histories} histories in ${seconds.toFixed(1)} s`);
  for (const { failure } of reports) if (failure !== null) assert.fail(describeFailure(failure));
  const missed = expectedTally().filter((name) => reports.every(({ tally }) => (tally[name] ?? 0) === 0));
  for (const aim of missed.filter(canAimAt)) {
    const { histories, tally, failure } = await simulate({ ...AIMED, aim });
    if (failure !== null) assert.fail(describeFailure(failure));
    t.diagnostic(`${aim}: came up ${tally[aim] ?? 0} times in ${histories} histories that aim at it`);
    if (tally[aim] !== undefined) missed.splice(missed.indexOf(aim), 1);
  }
  assert.deepEqual(missed, [], 'did not come up once');
});

test('the same seed plays the same history', async () => {
  const [once, again] = [await simulate({ histories: 3, seed: 7 }), await simulate({ histories: 3, seed: 7 })];
  assert.deepEqual(once.tally, again.tally);
});

test('what judges imports nothing of what it judges', () => {
  const judges = sourcesBelow('test/simulation').filter((file) =>
    /\/(judge[^/]*|model|shadow|verdict)\.ts$/.test(file),
  );
  assert.ok(judges.length >= 8, 'the judges were not found');
  const imported = judges.flatMap((file) => readImports(file).map(({ specifier }) => `${file}: ${specifier}`));
  assert.deepEqual(
    imported.filter((line) => line.includes('src/reconcile')),
    [],
  );
});

test('every planted fault still fits the code', () => {
  assert.deepEqual(misfits(), []);
});

test('docs/simulation.md names every planted fault', () => {
  const text = readFileSync(new URL('../../docs/simulation.md', import.meta.url), 'utf8');
  const named = [...text.matchAll(/^\| (.+?) \| \d+ \| .* \| \d+ \|$/gm)].map(([, name]) => name);
  assert.deepEqual(named.toSorted(), MUTANTS.map(({ name }) => name).toSorted());
});
