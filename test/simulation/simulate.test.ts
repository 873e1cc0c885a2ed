import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readImports, sourcesBelow } from '../imports.ts';
import { MUTANTS, misfits } from './mutant-list.ts';
import { describeFailure, expectedTally, simulate } from './simulate.ts';

/** Always the same histories, so that a red run is one's own doing; `npm run simulate` plays ones that nobody has seen. */
const FIXED = { histories: 500, seed: 20_260_101 };

test('random histories with crashes at every boundary come to rest exactly as pushed', async (t) => {
  const report = await simulate(FIXED);
  t.diagnostic(`${report.histories} histories in ${report.seconds.toFixed(1)} s`);
  if (report.failure !== null) assert.fail(describeFailure(report.failure));
  const missed = expectedTally().filter((name) => (report.tally[name] ?? 0) === 0);
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
