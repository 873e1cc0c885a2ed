import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appDeclaration, CONFIG_REPO, declarations } from '../../../test/support/declarations.ts';
import { type TestPorts, testPorts } from '../../../test/support/ports.ts';
import { chainEvent } from '../../audit/chain.ts';
import type { Evaluation } from '../../model/config.ts';
import type { RefListing } from '../../model/source.ts';
import { Store } from '../../store/store.ts';
import type { Evaluator, Ports } from '../ports.ts';
import { withVacancies } from '../vacancies.ts';
import { ConfigFollower } from './config-follower.ts';
import { SourceReader } from './read-source.ts';

const never = new AbortController().signal;
const BROKEN: Evaluation = {
  ok: false,
  errors: [{ code: 'config-invalid', file: 'apps.star', line: 3, message: 'app: broken', hint: 'mend it' }],
};

/** Evaluates one file: `broken`, or the paths of apps whose folder is `apps/NAME`. */
class WordEvaluator implements Evaluator {
  evaluations = 0;

  evaluate: Evaluator['evaluate'] = async ({ files, read }) => {
    this.evaluations += 1;
    const file = files.find(({ path }) => path === 'apps.star');
    const [bytes] = file === undefined ? [] : await read([file.oid]);
    const text = new TextDecoder().decode(bytes);
    if (text === 'broken') return BROKEN;
    const apps = text
      .split(' ')
      .map((name) => appDeclaration({ path: `/${name}`, source: { kind: 'config', folder: `apps/${name}` } }));
    return { ok: true, declarations: declarations(apps), prints: [] };
  };
}

function following(t: Parameters<typeof testPorts>[0], edit: Partial<Ports> = {}) {
  const evaluator = new WordEvaluator();
  const ports = testPorts(t, { evaluator, ...edit });
  const taken: string[] = [];
  const start = (from: Ports = ports) =>
    new ConfigFollower(CONFIG_REPO, from, new SourceReader(ports.git, 1_000), () =>
      taken.push(from.store.recorded.config.accepted ?? ''),
    );
  const push = (text: string) => {
    const names = text === 'broken' ? [] : text.split(' ');
    const folders = Object.fromEntries(names.map((name) => [`apps/${name}/index.html`, name]));
    return ports.git.repo(CONFIG_REPO).push({ 'apps.star': text, ...folders });
  };
  return { ports, evaluator, taken, start, push };
}

function listing(ports: TestPorts, edit: Partial<RefListing> = {}): RefListing {
  const { head, branches } = ports.git.repo(CONFIG_REPO);
  return { repo: CONFIG_REPO, asOf: ports.clock.now(), head, branches: Object.fromEntries(branches), ...edit };
}

test('a commit that evaluates is followed, with its folders, in one transaction with its event', async (t) => {
  const { ports, taken, start, push } = following(t);
  const commit = push('a b');
  const follower = start();
  await follower.follow(listing(ports), never);
  const { config, sources } = ports.store.recorded;
  assert.deepEqual([config.seen, config.accepted, config.errors], [commit, commit, []]);
  assert.deepEqual([...sources.keys()], ['config\napps/a', 'config\napps/b']);
  assert.deepEqual([follower.accepted?.commit, taken, ports.events()], [commit, [commit], ['config.accepted']]);
});

test('a listing that says the same costs nothing', async (t) => {
  const { ports, evaluator, start, push } = following(t);
  push('a');
  const follower = start();
  await follower.follow(listing(ports), never);
  ports.git.calls.length = 0;
  await follower.follow(listing(ports), never);
  assert.deepEqual([ports.git.calls, evaluator.evaluations, ports.events()], [[], 1, ['config.accepted']]);
});

test('a commit that does not evaluate is rejected whole: the last good one goes on, and the errors are kept', async (t) => {
  const { ports, taken, start, push } = following(t);
  const good = push('a');
  const follower = start();
  await follower.follow(listing(ports), never);
  const bad = push('broken');
  await follower.follow(listing(ports), never);
  await follower.follow(listing(ports), never);
  const { config, sources } = ports.store.recorded;
  assert.deepEqual([config.seen, config.accepted, config.errors], [bad, good, BROKEN.ok ? [] : BROKEN.errors]);
  assert.deepEqual([follower.accepted?.commit, taken, sources.size], [good, [good], 1]);
  assert.deepEqual(ports.events(), ['config.accepted', 'config.rejected']);
});

test('while the first commit is a bad one, nothing is followed', async (t) => {
  const { ports, taken, start, push } = following(t);
  push('broken');
  const follower = start();
  await follower.follow(listing(ports), never);
  assert.deepEqual([follower.accepted, taken, ports.store.recorded.config.accepted], [null, [], null]);
});

test('going back to a good commit takes the errors away', async (t) => {
  const { ports, start, push } = following(t);
  push('a');
  const follower = start();
  for (const text of ['broken', 'a']) {
    await follower.follow(listing(ports), never);
    push(text);
  }
  await follower.follow(listing(ports), never);
  assert.deepEqual(ports.store.recorded.config.errors, []);
  assert.equal(follower.accepted?.commit, ports.store.recorded.config.seen);
});

test('after a restart the last good commit is followed again, although the newest is a bad one', async (t) => {
  const { ports, taken, start, push } = following(t);
  const good = push('a');
  const first = start();
  await first.follow(listing(ports), never);
  push('broken');
  await first.follow(listing(ports), never);
  const { connection, clock } = ports;
  const second = start({
    ...ports,
    store: new Store({ connection, clock, chain: chainEvent, complete: withVacancies }),
  });
  await second.restore(never);
  assert.deepEqual([second.accepted?.commit, taken], [good, [good, good]]);
  assert.equal(second.accepted?.declarations.apps.length, 1);
});

test('after a restart with the last good commit out of reach nothing is followed, and a later look takes it up', async (t) => {
  const { ports, start, push } = following(t);
  const good = push('a');
  await start().follow(listing(ports), never);
  const { connection, clock } = ports;
  const second = start({
    ...ports,
    store: new Store({ connection, clock, chain: chainEvent, complete: withVacancies }),
  });
  ports.git.before = (method) => {
    if (method === 'fetch') throw new Error('no network');
  };
  await assert.rejects(second.restore(never), /no network/);
  assert.ok(second.accepted?.commit === undefined);
  ports.git.before = () => {};
  await second.follow(listing(ports), never);
  assert.equal(second.accepted?.commit, good);
});

for (const [name, edit, code] of [
  ['an empty listing', { head: null, branches: {} }, 'git-repo-empty'],
  ['a listing without the followed branch', { branches: { other: '1'.repeat(40) as never } }, 'git-ref-missing'],
] as const) {
  test(`${name} is an error and changes nothing`, async (t) => {
    const { ports, start, push } = following(t);
    const good = push('a');
    const follower = start();
    await follower.follow(listing(ports), never);
    await assert.rejects(follower.follow(listing(ports, edit), never), { code, retry: 'after-interval' });
    assert.deepEqual([follower.accepted?.commit, ports.store.recorded.config.accepted], [good, good]);
    assert.equal(ports.store.recorded.sources.size, 1);
  });
}

test('a folder that no app names any more is forgotten, and one that did not change keeps its row', async (t) => {
  const { ports, start, push } = following(t);
  push('a b');
  const follower = start();
  await follower.follow(listing(ports), never);
  const row = ports.store.recorded.sources.get('config\napps/b');
  push('b c');
  await follower.follow(listing(ports), never);
  assert.deepEqual([...ports.store.recorded.sources.keys()], ['config\napps/b', 'config\napps/c']);
  assert.equal(ports.store.recorded.sources.get('config\napps/b'), row);
});

test('an evaluation that does not end is ended at its limit, and nothing is taken for seen', async (t) => {
  const evaluate: Evaluator['evaluate'] = (_tree, signal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  const { ports, start, push } = following(t, { evaluator: { evaluate } });
  push('a');
  const result = assert.rejects(start().follow(listing(ports), never), { code: 'config-limit' });
  await ports.clock.advance(ports.limits.evaluateMs);
  await result;
  assert.equal(ports.store.recorded.config.seen, null);
});

test('a commit that can not be recorded on a full disk is not followed, and is evaluated again later', async (t) => {
  const { ports, taken, start, push } = following(t);
  const commit = push('a');
  const follower = start();
  ports.connection.isFull = true;
  await assert.rejects(follower.follow(listing(ports), never), { code: 'store-full' });
  assert.deepEqual([follower.accepted, taken], [null, []]);
  ports.connection.isFull = false;
  await follower.follow(listing(ports), never);
  assert.equal(follower.accepted?.commit, commit);
});
