import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerInspectInfo } from 'dockerode';
import { sickness } from './instance-state.ts';

const Log = [{ Output: 'no answer\n' }];
const sick = { Running: true, Paused: false, Health: { Status: 'unhealthy', FailingStreak: 3, Log } };

for (const [name, state, retries, expected] of [
  ['fails as often as Docker takes by itself', {}, 0, /failed 3 times in a row \(last: no answer\)$/],
  ['fails as often as its image says', { Health: { ...sick.Health, FailingStreak: 2 } }, 2, /failed 2 times in a row/],
  ['failed less often than its image says', {}, 5, null],
  ['goes on after a pause, not looked at yet', { Health: { ...sick.Health, FailingStreak: 0 } }, 3, null],
  ['is paused', { Paused: true }, 3, null],
  ['has ended', { Running: false }, 3, null],
  ['has no check', { Health: undefined }, 3, null],
  ['starts', { Health: { ...sick.Health, Status: 'starting' } }, 3, null],
] as const) {
  test(`a container that ${name} is ${expected === null ? 'not ' : ''}unhealthy`, () => {
    const found = { State: { ...sick, ...state }, Config: { Healthcheck: { Retries: retries } } };
    const reason = sickness(found as unknown as ContainerInspectInfo);
    if (expected === null) assert.equal(reason, null);
    else assert.match(reason ?? '', expected);
  });
}
