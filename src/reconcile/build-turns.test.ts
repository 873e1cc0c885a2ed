import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AppId, ArtifactKey } from '../model/ids.ts';
import { BuildTurns, LONGEST_WAIT_MS } from './build-turns.ts';

/** Builds that end when told to. `prod:a` is wanted by prod for the app `a`, `x:a` by the preview `x`. */
class Bench {
  nowMs = 0;
  readonly began: string[] = [];
  readonly wishes = new Map<string, string[]>();
  readonly #turns: BuildTurns;
  readonly #gates = new Map<string, PromiseWithResolvers<void>>();

  constructor(width = 1) {
    const claimOf = (key: string) => {
      const wishes = (this.wishes.get(key) ?? []).map((wish) => wish.split(':'));
      return {
        isUrgent: wishes.some(([env]) => env === 'prod' || env === 'stage'),
        apps: wishes.map(([, app]) => app as AppId),
      };
    };
    this.#turns = new BuildTurns({ width, clock: { now: () => this.nowMs }, claimOf });
  }

  want(key: string, ...wishes: string[]): void {
    this.wishes.set(key, wishes);
    this.#turns.changed(key as ArtifactKey);
  }

  async wait(key: string, ...wishes: string[]): Promise<void> {
    this.want(key, ...wishes);
    void this.take(key);
    await settled();
  }

  take(key: string, signal: AbortSignal = new AbortController().signal): Promise<void> {
    const gate = Promise.withResolvers<void>();
    this.#gates.set(key, gate);
    return this.#turns.take(key as ArtifactKey, signal, () => {
      this.began.push(key);
      return gate.promise;
    });
  }

  async end(key: string): Promise<void> {
    this.#gates.get(key)?.resolve();
    await settled();
  }

  /** Ends one after the other until so many began. */
  async endUntil(count: number): Promise<string[]> {
    for (let next = 0; this.began.length < count; next++) await this.end(this.began[next] ?? '');
    return this.began;
  }
}

test('at most so many run side by side; one that ends or fails lets the next one run', async () => {
  const bench = new Bench(2);
  for (const key of ['1', '2', '3', '4']) await bench.wait(key, `x:${key}`);
  assert.deepEqual(bench.began, ['1', '2']);
  await bench.end('2');
  assert.deepEqual(bench.began, ['1', '2', '3']);
  const turns = new BuildTurns({ width: 1, clock: { now: () => 0 }, claimOf: () => ({ isUrgent: true, apps: [] }) });
  const never = new AbortController().signal;
  await assert.rejects(
    turns.take('a' as ArtifactKey, never, () => Promise.reject(new Error('own'))),
    /own/,
  );
  assert.equal(await turns.take('b' as ArtifactKey, never, async () => 'ran'), 'ran');
});

for (const env of ['prod', 'stage']) {
  test(`what ${env} wants goes before what only previews want`, async () => {
    const bench = new Bench();
    await bench.wait('running', 'x:r');
    await bench.wait('1', 'x:a');
    await bench.wait('2', 'y:b');
    await bench.wait('3', 'z:c', `${env}:c`);
    assert.deepEqual(await bench.endUntil(4), ['running', '3', '1', '2']);
  });
}

test('of those that come at the same moment the most urgent one begins', async () => {
  const bench = new Bench();
  bench.want('1', 'x:a');
  bench.want('2', 'prod:b');
  void bench.take('1');
  void bench.take('2');
  await settled();
  assert.deepEqual(bench.began, ['2']);
});

test('a build becomes urgent while it waits when prod comes to want it, and the other way round', async () => {
  const bench = new Bench();
  await bench.wait('running', 'x:r');
  for (const key of ['1', '2', '3']) await bench.wait(key, `x:${key}`);
  bench.want('3', 'x:3', 'prod:3');
  await bench.wait('4', 'prod:4');
  bench.want('4', 'x:4');
  assert.deepEqual(await bench.endUntil(5), ['running', '3', '1', '2', '4']);
});

test('ten branches of one app hold up the one of another by one turn', async () => {
  const bench = new Bench();
  for (let n = 1; n <= 10; n++) await bench.wait(`a${n}`, `x${n}:a`);
  await bench.wait('b1', 'x1:b');
  await bench.wait('c1', 'x1:c');
  await bench.wait('b2', 'x2:b');
  assert.deepEqual((await bench.endUntil(7)).slice(0, 7), ['a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4']);
});

test('what several apps want is a turn of all of them', async () => {
  const bench = new Bench();
  await bench.wait('running', 'x:r');
  await bench.wait('shared', 'x:a', 'x:b');
  await bench.wait('a', 'y:a');
  await bench.wait('b', 'y:b');
  await bench.wait('c', 'y:c');
  assert.deepEqual(await bench.endUntil(5), ['running', 'shared', 'c', 'a', 'b']);
});

test('a preview that has waited for ten minutes goes first, and then every other turn at most', async () => {
  const bench = new Bench();
  await bench.wait('running', 'prod:r');
  await bench.wait('x1', 'x:a');
  await bench.wait('x2', 'x:b');
  await bench.wait('x3', 'x:c');
  bench.nowMs = LONGEST_WAIT_MS - 1;
  for (const key of ['p1', 'p2', 'p3']) await bench.wait(key, `prod:${key}`);
  await bench.end('running');
  assert.deepEqual(bench.began, ['running', 'p1']);
  bench.nowMs = LONGEST_WAIT_MS;
  await bench.wait('young', 'x:d');
  assert.deepEqual((await bench.endUntil(8)).slice(2), ['x1', 'p2', 'x2', 'p3', 'x3', 'young']);
});

test('what is aborted while it waits for its turn ends at once, and never runs', async () => {
  const bench = new Bench();
  await bench.wait('running', 'x:r');
  const controller = new AbortController();
  const waiting = bench.take('late', controller.signal);
  controller.abort(new DOMException('superseded', 'AbortError'));
  await assert.rejects(waiting, /superseded/);
  await bench.wait('next', 'x:n');
  await bench.end('running');
  assert.deepEqual(bench.began, ['running', 'next']);
  await assert.rejects(bench.take('gone', controller.signal), /superseded/);
});

test('what runs keeps its turn when it is aborted, until it has ended', async () => {
  const bench = new Bench();
  const controller = new AbortController();
  const running = bench.take('running', controller.signal);
  await settled();
  await bench.wait('next', 'x:n');
  controller.abort();
  await settled();
  assert.deepEqual(bench.began, ['running']);
  await bench.end('running');
  await running;
  assert.deepEqual(bench.began, ['running', 'next']);
});

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
