import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AT, recordedWith } from '../../test/support/recorded.ts';
import type { AppId, EnvName } from '../model/ids.ts';
import type { RecordedEnvironment } from '../model/recorded.ts';
import { ParkedCalls } from './unpark.ts';

const APP = '/a' as AppId;

function environment(edit: Partial<RecordedEnvironment> = {}): RecordedEnvironment {
  const [prod] = recordedWith().environments.values();
  if (prod === undefined) throw new Error('no environment');
  return { ...prod, name: 'try' as EnvName, kind: 'preview', identity: 'branch:try', parked: 'too many', ...edit };
}

/** What a call changes: when the environment was last wanted, and what the log says. */
function heeded(calls: ParkedCalls, row: RecordedEnvironment | undefined, at: number) {
  return calls.changes(row, APP, at).map((change) => {
    if ('audit' in change) return `${change.audit.kind} ${change.audit.env} ${change.audit.app}`;
    return 'put' in change && change.put === 'environment' ? change.row.activeAt : change;
  });
}

test('what is parked counts as wanted from the call on, and the log says who was asked for', () => {
  assert.deepEqual(heeded(new ParkedCalls(), environment(), AT), [AT, 'environment.called try /a']);
});

for (const [name, row] of [
  ['what is up', environment({ parked: null })],
  ['what is over', environment({ endingSince: AT })],
  ['what nobody knows', undefined],
] as const)
  test(`${name} is left as it is`, () => assert.deepEqual(heeded(new ParkedCalls(), row, AT), []));

test('whoever waits and asks again is heeded again only after a while', () => {
  const calls = new ParkedCalls();
  const at = [0, 1_000, 9_999, 10_000].map((ms) => heeded(calls, environment(), AT + ms).length > 0);
  assert.deepEqual(at, [true, false, false, true]);
});

test('whoever asks for all environments has a few of them back at a time', () => {
  const calls = new ParkedCalls();
  const ask = (at: number) =>
    Array.from({ length: 30 }, (_, n) => heeded(calls, environment({ name: `try-${n}` as EnvName }), at)).filter(
      (changes) => changes.length > 0,
    ).length;
  assert.deepEqual([ask(AT), ask(AT + 5_000), ask(AT + 10_000)], [10, 0, 10]);
});
