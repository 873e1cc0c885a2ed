import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../model/clock.ts';
import { MainspringError } from '../model/errors.ts';
import type { Status } from '../model/surface.ts';
import { type WaitOptions, waitForCommit } from './wait.ts';

const A = 'a'.repeat(40);
const B = 'b'.repeat(40);

/** A clock that goes on as far as anybody sleeps. */
class FakeClock implements Clock {
  #now = 0;
  now(): number {
    return this.#now;
  }
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.#now += ms;
  }
}

function status(config: Partial<Status['config']>, about?: Status['about']): Status {
  return {
    version: '0.1.0',
    config: { repo: '/r', branch: 'main', commit: A, accepted: A, planned: A, errors: [], ...config },
    settled: true,
    environments: [{ name: 'prod', kind: 'prod', parked: false, cause: null, deployments: [] }],
    releases: [],
    sources: [{ repo: '/r', as_of: 'then', error: null }],
    audit: { head: '0:' },
    ...(about === undefined ? {} : { about }),
  };
}

/** Answers one after the other, the last one for ever. */
async function waitOver(answers: readonly (Status | Error)[], options: Partial<WaitOptions> = {}) {
  const said: string[] = [];
  const asked: (string | null)[] = [];
  const reader = {
    tip: async () => A,
    status: async (about?: { readonly commit: string | null }) => {
      asked.push(about?.commit ?? null);
      const answer = answers[Math.min(asked.length, answers.length) - 1];
      if (answer === undefined || answer instanceof Error) throw answer;
      return answer;
    },
  };
  const deps = {
    reader,
    clock: new FakeClock(),
    signal: new AbortController().signal,
    say: (text: string) => said.push(text),
  };
  const outcome = await waitForCommit({ commit: null, env: null, timeoutMs: 10_000, ...options }, deps);
  return { outcome, said, asked };
}

test('without a commit the tip is waited for, and what goes on is said once', async () => {
  const before = status({ commit: B, accepted: B, planned: B });
  const { outcome, said, asked } = await waitOver([before, before, status({ planned: B }), status({})]);
  assert.equal(outcome.kind, 'live');
  assert.deepEqual(said, ['aaaaaaaa was not seen yet', 'aaaaaaaa was accepted and is being planned']);
  assert.deepEqual(asked, [A, A, A, A]);
});

test('a commit that was superseded is followed to its successor', async () => {
  const newer = { commit: B, accepted: B, planned: B };
  const about = { commit: A, role: 'config', state: 'superseded', by: B } as const;
  const { outcome, said, asked } = await waitOver([status(newer, about), status(newer)], { commit: A });
  assert.equal(outcome.kind, 'live');
  assert.deepEqual(said, ['aaaaaaaa was superseded by bbbbbbbb']);
  assert.deepEqual(asked, [A, B]);
});

test('what is not over in time says how far it came', async () => {
  const { outcome, asked } = await waitOver([status({ planned: B })], { commit: A });
  assert.deepEqual(outcome, { kind: 'timed-out', message: 'aaaaaaaa was accepted and is being planned' });
  assert.equal(asked.length, 11);
});

test('a commit that new listings do not show is not waited for to the end', async () => {
  const listed = (as_of: string): Status => ({ ...status({}), sources: [{ repo: '/r', as_of, error: null }] });
  const { outcome, asked } = await waitOver([listed('1'), listed('1'), listed('2'), listed('3')], { commit: B });
  assert.equal(outcome.kind, 'failed');
  assert.equal(asked.length, 4);
});

test('a daemon that is away for a moment is asked again', async () => {
  const away = new MainspringError('daemon-unreachable', 'away', { retry: 'after-interval' });
  const { outcome, said } = await waitOver([away, status({})]);
  assert.equal(outcome.kind, 'live');
  assert.deepEqual(said, ['away']);
});

test('a refused token ends the waiting at once', async () => {
  await assert.rejects(waitOver([new MainspringError('not-permitted', 'no')]), { code: 'not-permitted' });
});
