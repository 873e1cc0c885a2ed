import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { formatHead } from '../../src/audit/chain.ts';
import { readAudit } from '../../src/audit/log.ts';
import { AUDIT_KINDS, type AuditEvent } from '../../src/model/audit.ts';
import { MainspringError } from '../../src/model/errors.ts';
import { type AppId, type EnvName, PROD } from '../../src/model/ids.ts';
import type { Engine } from '../../src/runtime/engine.ts';
import { CONFIG_REPO } from '../support/declarations.ts';
import { Loop } from '../support/loop.ts';

const docs = readFileSync(new URL('../../docs/audit.md', import.meta.url), 'utf8');
const table = [...docs.matchAll(/^\| `([a-z]+\.[a-z]+)` \| (.+) \| (.+) \|$/gm)].map(
  ([, kind = '', says = '', detail = '']) => ({
    kind,
    says,
    // What stands in brackets explains a field.
    ...fieldsOf(detail.replace(/\([^)]*\)/g, '')),
  }),
);

/** Fields that are always there, and those that a detail may have: they come after a semicolon. */
function fieldsOf(detail: string) {
  const [always, ...sometimes] = detail
    .split(';')
    .map((part) => [...part.matchAll(/`([a-z_]+)`/g)].map(([, field = '']) => field));
  return { always: always ?? [], sometimes: sometimes.flat() };
}

test('docs/audit.md lists every kind of event once, in order, with the words of the code', () => {
  assert.deepEqual(
    table.map(({ kind, says }) => [kind, says]),
    Object.entries(AUDIT_KINDS),
  );
});

const isBad = {
  behave: ({ variables }: { variables: Readonly<Record<string, string>> }) =>
    variables.BAD === '1' ? ({ healthy: 'never' } as const) : {},
};

/** A history in which nearly everything happens. */
async function eventful(t: TestContext): Promise<Loop> {
  let broken = '';
  const loop = new Loop(t, {
    ...isBad,
    fault: ({ method }) => {
      if (method === broken) throw new MainspringError(method === 'build' ? 'build-failed' : 'start-failed', 'no');
      return 'none';
    },
  });
  const process = { spec: 'procfile' } as const;
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => loop.app(name, process));
  const step = async (apps: readonly (typeof a)[], ms = 10_000, allowRemoval?: string) => {
    loop.config({ apps, ...(allowRemoval === undefined ? {} : { allowRemoval }) });
    await loop.look(ms);
  };
  await loop.start();
  await step([a, b, c, d]);
  await step([{ ...a, health: { path: '/up' } }, b, c, d]);
  await step([{ ...a, params: { BAD: 1 }, health: { timeoutMs: 3_000 } }, { ...b, spec: 'statik' }, c, d]);
  broken = 'build';
  loop.files({ 'c/Procfile': 'web: ./other' });
  await loop.look();
  broken = 'start';
  await step([{ ...a, params: { N: 1 } }, b, c, { ...d, params: { N: 2 } }]);
  broken = '';
  await step([{ ...a, params: { BAD: 1 } }, b, c, d], 500);
  await step([a, b, c, d]);
  const running = loop.ports.world.inventory().instances.find(({ app }) => app === '/b');
  loop.ports.world.kill(running?.id as never);
  await loop.pass(5_000);
  loop.ports.world.loseArtifact(loop.deployment('b')?.live?.target.artifact as never);
  await loop.pass(5_000);
  loop.config('broken');
  await loop.look();
  await step([]);
  await step([a], 1_000);
  await step([]);
  const hash = [...loop.ports.store.recorded.releases.values()][0]?.removalHash ?? '';
  await step([], 10_000, hash);
  loop.ports.git.before = (method, subject) => {
    if (method === 'list' && subject === CONFIG_REPO) throw new Error('no answer');
  };
  await loop.look();
  loop.ports.git.before = () => {};
  await loop.look();
  await loop.pass(4_000_000);
  return loop;
}

/** A history of stages, releases, replacements and previews. */
async function branched(t: TestContext): Promise<Loop> {
  const loop = new Loop(t, { ...isBad, pauses: true });
  const process = { spec: 'procfile', health: { timeoutMs: 3_000 } } as const;
  const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map((name) => loop.app(name, process));
  const [good, bad] = [(N: number) => ({ params: { N } }), { params: { BAD: 1 } }];
  const previews = { max: 1, ttlMs: 86_400_000 };
  const step = async (apps: readonly (typeof a)[], max = 1) => {
    loop.config({ apps, previews: { ...previews, max } });
    await loop.look(10_000);
  };
  const staged = [a, b].map((app) => ({ ...app, stage: true }));
  for (const engine of loop.ports.engines.values()) resolveBases(engine);
  await loop.start();
  await step([...staged, c, d, e]);
  await step([...staged.map((app) => ({ ...app, ...good(1) })), c, d, e]);
  // One fails in stage, and the other waits for it there; then production does.
  await step([{ ...staged[0], ...bad }, { ...staged[1], ...good(2) }, c, d, e]);
  await step([{ ...staged[0], ...good(2) }, { ...staged[1], ...good(2) }, c, d, e]);
  // Alone, what is live is stopped for it, and is back when it fails.
  const alone = { ...c, strategy: 'replace' } as const;
  await step([...staged, alone, d, e]);
  await step([...staged, { ...alone, ...bad }, d, e]);
  await step([...staged, { ...alone, ...good(1) }, d, e]);
  // Two releases that fail, and a third that changes one of each.
  await step([{ ...a, ...bad }, { ...b, ...good(3) }, c, d, e]);
  await step([{ ...a, ...bad }, { ...b, ...good(3) }, c, { ...d, ...bad }, { ...e, ...good(3) }]);
  await step([{ ...a, ...bad }, { ...b, ...good(4) }, c, { ...d, ...bad }, { ...e, ...good(4) }]);
  await step([a, b, { ...c, health: { path: '/up' } }, d]);
  // Policy alone, and a removal, of one move.
  await step([a, b, { ...c, health: { path: '/down' } }]);
  loop.branch('one', { apps: [{ ...a, ...good(5) }, b, c] });
  await loop.look(10_000);
  // The one takes the place of the first, the other finds none.
  loop.branch('two', { apps: [a, { ...b, ...good(5) }, c] });
  loop.branch('also', { apps: [a, b, { ...c, ...good(5) }] });
  await loop.look(10_000);
  // Somebody asks for the one that made room.
  loop.reconciler.wake('one' as EnvName, a?.path as AppId);
  await loop.pass(10_000);
  loop.branch('three', 'broken');
  await loop.look(10_000);
  await step([a, b, c], 2);
  for (const name of ['one', 'two', 'also', 'three']) loop.ports.git.repo(CONFIG_REPO).branches.delete(name);
  await loop.look(60_000);
  // Nobody uses the first, until somebody does.
  await step([{ ...a, idle: { pauseMs: 30_000, stopMs: 60_000 } }, b, c], 2);
  Object.assign(loop.ports.gateways, { use: async () => ({ inFlight: 0, streams: 0, idleMs: 30_000 }) });
  await loop.pass(120_000);
  loop.reconciler.wake(PROD, a?.path as AppId);
  await loop.pass(5_000);
  return loop;
}

/** Has an engine say what its artifacts were made from, as the one that builds images does. */
function resolveBases(engine: Engine): void {
  const build = engine.build.bind(engine);
  const bases = [{ ref: 'python:3.13-slim', id: `sha256:${'1'.repeat(64)}`, digest: null }];
  engine.build = async (...asked) => ({ ...(await build(...asked)), bases });
}

test('the details of events have the fields that docs/audit.md says, and no others', async (t) => {
  const loops = [await eventful(t), await branched(t)];
  const events = loops.flatMap((loop) => [...readAudit(loop.ports.connection)]);
  const seen = new Set<string>();
  const used = new Set<string>();
  for (const { kind, detail } of events) {
    seen.add(kind);
    const { always = [], sometimes = [] } = table.find((row) => row.kind === kind) ?? {};
    const unknown = Object.keys(detail).filter((field) => ![...always, ...sometimes].includes(field));
    assert.deepEqual(unknown, [], kind);
    const isEither = kind === 'drift.seen' || kind === 'orphan.removed';
    const missing = isEither ? [] : always.filter((field) => !(field in detail));
    assert.deepEqual(missing, [], kind);
    for (const field of Object.keys(detail)) used.add(`${kind} ${field}`);
  }
  const unused = table.flatMap(({ kind, sometimes }) =>
    sometimes.filter((field) => !used.has(`${kind} ${field}`)).map((field) => `${kind} ${field}`),
  );
  assert.deepEqual(unused, [], 'a field that is never there');
  const missing = Object.keys(AUDIT_KINDS).filter((kind) => !seen.has(kind));
  // These two belong to the set-up and to the start of a daemon; orphans have a test of their own.
  assert.deepEqual(missing, ['installation.created', 'controller.started', 'orphan.removed']);
});

test('the check that docs/audit.md gives to outsiders accepts our log, and finds a changed line', async (t) => {
  const loop = await eventful(t);
  const script = /```js\n([\s\S]*?)```/.exec(docs)?.[1] ?? '';
  const lines = [...readAudit(loop.ports.connection)];
  const check = (events: readonly AuditEvent[]) =>
    spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      input: events.map((event) => `${JSON.stringify(event)}\n`).join(''),
      encoding: 'utf8',
    });
  assert.equal(check(lines).stdout, `${formatHead(loop.ports.store.head)}\n`);
  const changed = lines.map((event) => (event.id === 7 ? { ...event, detail: { ...event.detail, x: 1 } } : event));
  assert.deepEqual([check(changed).status, check(changed).stderr], [1, 'event 7 is not as it was written\n']);
});
