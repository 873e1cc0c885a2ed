import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Loop } from '../../../test/support/loop.ts';
import { fc } from '../../../test/support/properties.ts';
import type { FakeBehaviour } from '../../runtime/fake/fake-world.ts';

type Context = { after(fn: () => void | Promise<void>): void };

/** What each version does once it is started, by its name; any other is healthy at once and ends when it is told to. */
const BEHAVIOURS: Readonly<Record<string, FakeBehaviour>> = {
  sick: { healthy: 'never', ignoresTerm: true },
  slow: { healthy: { afterMs: 2_000 }, ignoresTerm: true },
  dead: { dies: 'at-start' },
};

/** Apps that never run twice at once, each with the version that it is to run, in a loop that notes when one does. */
class Bench {
  readonly loop: Loop;
  readonly twice: string[] = [];

  constructor(t: Context) {
    this.loop = new Loop(t, {
      behave: ({ id, env, app, variables }) => {
        for (const [other, { request, running }] of this.loop.ports.world.instances)
          if (other !== id && running && request.env === env && request.app === app)
            this.twice.push(`${app}: ${request.variables.V} and ${variables.V}`);
        return BEHAVIOURS[(variables.V ?? '').split(' ')[0] ?? ''] ?? { ignoresTerm: true };
      },
    });
  }

  /** Main says which versions there are to be, by app. */
  declare(versions: Readonly<Record<string, string>>): void {
    const apps = Object.entries(versions).map(([name, version]) =>
      this.loop.app(name, {
        spec: 'procfile',
        strategy: 'replace',
        params: { V: version },
        health: { timeoutMs: 5_000 },
      }),
    );
    this.loop.config({ apps });
  }

  async push(versions: Readonly<Record<string, string>>, ms = 60_000): Promise<void> {
    this.declare(versions);
    await this.loop.look(ms);
  }

  /** The versions that run, and the one that each app's requests lead to. */
  get state(): Readonly<Record<string, string>> {
    const { world, store } = this.loop.ports;
    const running = [...world.instances.values()].filter((one) => one.running);
    return Object.fromEntries(
      running.map(({ request }) => {
        const row = store.recorded.deployment(request.env, request.app);
        const serves = row?.live?.instance === request.id && this.loop.served(request.app.slice(1)) !== null;
        return [request.app.slice(1), `${request.variables.V}${serves ? '' : ' (not served)'}`];
      }),
    );
  }
}

async function bench(t: Context, versions: Readonly<Record<string, string>>): Promise<Bench> {
  const of = new Bench(t);
  of.declare(versions);
  await of.loop.start(10_000);
  assert.deepEqual(of.state, versions);
  return of;
}

/** What is pushed one after the other, how long it is given, and what runs in the end: never two at once. */
for (const [name, pushes, expected] of [
  ['a new version takes the place of the old one', [[{ a: '2' }, 60_000]], { a: '2' }],
  ['one that is never healthy gives the place back', [[{ a: 'sick' }, 60_000]], { a: '1' }],
  ['one that ends by itself gives the place back', [[{ a: 'dead' }, 60_000]], { a: '1' }],
  [
    'a push while another is verified',
    [
      [{ a: 'sick' }, 2_000],
      [{ a: '3' }, 60_000],
    ],
    { a: '3' },
  ],
  [
    'a push of another that fails while one is verified',
    [
      [{ a: 'slow' }, 1_000],
      [{ a: 'sick' }, 60_000],
    ],
    { a: '1' },
  ],
  [
    'a revert while another is verified',
    [
      [{ a: 'sick' }, 2_000],
      [{ a: '1' }, 60_000],
    ],
    { a: '1' },
  ],
  [
    'a fix right after it failed, while the old one comes back',
    [
      [{ a: 'sick' }, 36_000],
      [{ a: '3' }, 60_000],
    ],
    { a: '3' },
  ],
  [
    'an app that is taken away and comes back at once',
    [
      [{}, 1_000],
      [{ a: '2' }, 60_000],
    ],
    { a: '2' },
  ],
  ['two apps of one commit', [[{ a: '2', b: '2' }, 60_000]], { a: '2', b: '2' }],
  ['two apps of which one fails: neither switches', [[{ a: '2', b: 'sick' }, 60_000]], { a: '1', b: '1' }],
  ['two apps of which the other one fails: neither switches', [[{ a: 'sick', b: 'slow' }, 60_000]], { a: '1', b: '1' }],
  [
    'two apps, and the fix of the one that failed',
    [
      [{ a: '2', b: 'sick' }, 60_000],
      [{ a: '2', b: '3' }, 60_000],
    ],
    { a: '2', b: '3' },
  ],
  [
    'two apps, and the fix before the other one is back',
    [
      [{ a: '2', b: 'sick' }, 37_000],
      [{ a: '2', b: '3' }, 90_000],
    ],
    { a: '2', b: '3' },
  ],
  [
    'two apps, and a revert of the one that failed',
    [
      [{ a: '2', b: 'sick' }, 60_000],
      [{ a: '2', b: '1' }, 60_000],
    ],
    { a: '2', b: '1' },
  ],
] as const) {
  test(`strategy = "replace": ${name}`, async (t) => {
    const of = await bench(t, 'b' in (pushes[0]?.[0] ?? {}) ? { a: '1', b: '1' } : { a: '1' });
    for (const [versions, ms] of pushes) await of.push(versions, ms);
    assert.deepEqual([of.state, of.twice], [expected, []]);
  });
}

test('strategy = "replace": requests wait while nothing runs, and lead to what runs after', async (t) => {
  const of = await bench(t, { a: '1' });
  await of.push({ a: 'slow' }, 1_000);
  const route = of.loop.ports.store.recorded.route('example.com', '/a');
  assert.equal(route?.serve?.target.kind, 'held');
  await of.loop.pass(60_000);
  assert.deepEqual(of.state, { a: 'slow' });
});

test('strategy = "replace": requests wait until what was stopped in vain answers again', async (t) => {
  const of = await bench(t, { a: 'slow 1' });
  const { store, clock } = of.loop.ports;
  of.declare({ a: 'dead' });
  await of.loop.look(0);
  const kinds = new Set<string>();
  for (let passed = 0; passed < 30_000; passed += 100) {
    await of.loop.pass(100);
    const live = of.loop.deployment('a')?.live;
    const route = store.recorded.route('example.com', '/a');
    kinds.add(route?.serve?.target.kind ?? 'none');
    const instance = live == null ? undefined : store.recorded.instances.get(live.instance);
    if (route?.serve?.target.kind === 'held' || instance?.state !== 'running') continue;
    assert.ok(clock.now() - (instance.startedAt ?? 0) >= 2_000, 'it does not answer yet');
  }
  assert.deepEqual([of.state, [...kinds].sort()], [{ a: 'slow 1' }, ['held', 'http']]);
});

test('strategy = "replace": whatever is pushed and whenever, no two run at once, and the last good one runs in the end', async (t) => {
  const version = fc.constantFrom('2', '3', 'sick', 'slow', 'dead');
  const pushes = fc.array(fc.tuple(fc.record({ a: version, b: version }), fc.integer({ min: 0, max: 50_000 })), {
    minLength: 1,
    maxLength: 5,
  });
  await fc.assert(
    fc.asyncProperty(pushes, async (all) => {
      const of = await bench(t, { a: '1', b: '1' });
      for (const [versions, ms] of all) await of.push(versions, ms);
      await of.push({ a: 'last', b: 'last' }, 120_000);
      assert.deepEqual([of.state, of.twice], [{ a: 'last', b: 'last' }, []]);
      await of.loop.stop();
    }),
    { numRuns: 25 },
  );
});
