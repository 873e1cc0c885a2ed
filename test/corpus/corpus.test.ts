import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANSWER_TOPICS } from './answers.ts';
import { CLAUSES, type ClauseId } from './clauses.ts';
import { REQUEST_TOPICS } from './requests.ts';
import { skeleton } from './skeleton.ts';

const requestCases = REQUEST_TOPICS.flatMap(({ cases }) => cases);
const answerCases = ANSWER_TOPICS.flatMap(({ cases }) => cases);
const all = [...requestCases, ...answerCases];

test('the corpus holds at least 200 cases', () => assert.ok(all.length >= 200, `${all.length} cases`));

test('every clause that binds a gateway has at least three cases', () => {
  const counts = new Map<ClauseId, number>();
  for (const { clauses } of all) for (const clause of clauses) counts.set(clause, (counts.get(clause) ?? 0) + 1);
  const few = Object.keys(CLAUSES).filter((clause) => (counts.get(clause as ClauseId) ?? 0) < 3);
  assert.deepEqual(few, []);
});

test('every case names a clause, and has a name of its own', () => {
  assert.deepEqual(
    all.filter(({ clauses }) => clauses.length === 0).map(({ name }) => name),
    [],
  );
  assert.deepEqual(repeated(requestCases.map(({ name }) => name)), []);
  assert.deepEqual(repeated(answerCases.map(({ name }) => name)), []);
});

test('no two cases are alike but for a name or a number', () => {
  const sent = requestCases.map(({ sends, ends }) => skeleton(sends) + (ends ? ' and the end' : ''));
  assert.deepEqual(repeated(sent), []);
  const back = answerCases.map(
    ({ request = '', sends, ending = '' }) => `${skeleton(request)} | ${skeleton(sends)} ${ending}`,
  );
  assert.deepEqual(repeated(back), []);
});

function repeated(texts: readonly string[]): string[] {
  return texts.filter((text, at) => texts.indexOf(text) !== at);
}
