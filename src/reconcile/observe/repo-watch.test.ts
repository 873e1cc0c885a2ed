import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TestPorts, testPorts } from '../../../test/support/ports.ts';
import { MainspringError } from '../../model/errors.ts';
import type { RefListing, RepoUrl } from '../../model/source.ts';
import { RepoWatch } from './repo-watch.ts';

const REPO = 'https://git.example.com/a' as RepoUrl;
const refused = (code: 'git-list-failed' | 'git-ref-moved') =>
  new MainspringError(code, `${REPO}: no`, { retry: 'after-interval' });

/** A watch of a repo with one commit, and the listings that were followed. */
function watched(t: Parameters<typeof testPorts>[0], follow: (listing: RefListing) => void = () => {}) {
  const ports = testPorts(t);
  ports.git.repo(REPO).push({ 'index.html': '1' });
  const followed: RefListing[] = [];
  const watch = new RepoWatch(REPO, null, ports, async (listing) => {
    followed.push(listing);
    follow(listing);
  });
  return { ports, watch, followed, listings: () => ports.git.calls.filter((call) => call.startsWith('list')).length };
}

/** Holds listings up until the gate opens. */
function gate(ports: TestPorts) {
  const opened = Promise.withResolvers<void>();
  ports.git.before = () => opened.promise;
  return () => {
    ports.git.before = () => {};
    opened.resolve();
  };
}

test('a look lists once, records the listing and hands it on', async (t) => {
  const { ports, watch, followed } = watched(t);
  await watch.look();
  assert.equal(followed.length, 1);
  assert.deepEqual(ports.store.recorded.repos.get(REPO), {
    repo: REPO,
    listing: followed[0],
    error: null,
    baseline: followed[0]?.branches,
    movedAt: {},
  });
  assert.equal(watch.asOf, ports.clock.now());
});

test('requests that come during a look make exactly one more, and end when that one is over', async (t) => {
  const { ports, watch, followed, listings } = watched(t);
  const open = gate(ports);
  const looks = [watch.look()];
  await ports.clock.advance(0);
  looks.push(watch.look(), watch.look(), watch.look());
  open();
  await Promise.all(looks);
  assert.deepEqual([listings(), followed.length], [2, 2]);
});

test('requests that come together make one look', async (t) => {
  const { watch, listings } = watched(t);
  await Promise.all([watch.look(), watch.look(), watch.look()]);
  assert.equal(listings(), 1);
});

test('a request is never lost, at whatever moment of a look it comes', async (t) => {
  for (let turns = 0; turns < 40; turns += 1) {
    const { watch, listings } = watched(t);
    void watch.look();
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    const before = listings();
    await watch.look();
    assert.ok(listings() > before || turns < 3, `lost after ${turns} turns`);
  }
});

test('a branch was seen to move at the time of the look that saw it, and not again when another one moves', async (t) => {
  const { ports, watch } = watched(t);
  const repo = ports.git.repo(REPO);
  const movedAt = () => ports.store.recorded.repos.get(REPO)?.movedAt;
  repo.push({ 'index.html': 'old' }, 'old');
  await watch.look(1_000);
  assert.deepEqual(movedAt(), {});
  for (const branch of ['x', 'constructor']) repo.push({ 'index.html': branch }, branch);
  await watch.look(2_000);
  assert.deepEqual(movedAt(), { x: 2_000, constructor: 2_000 });
  repo.push({ 'index.html': 'x 2' }, 'x');
  await watch.look(3_000);
  assert.deepEqual(movedAt(), { x: 3_000, constructor: 2_000 });
  repo.branches.delete('x');
  repo.push({ 'index.html': 'old 2' }, 'old');
  await watch.look(4_000);
  assert.deepEqual(movedAt(), { constructor: 2_000, old: 4_000 });
});

test('a look after another lists again, and records nothing where nothing changed', async (t) => {
  const { ports, watch, listings } = watched(t);
  await watch.look();
  const row = ports.store.recorded.repos.get(REPO);
  await ports.clock.advance(30_000);
  await watch.look();
  assert.equal(listings(), 2);
  assert.equal(ports.store.recorded.repos.get(REPO), row);
  assert.equal(watch.asOf, ports.clock.now());
});

test('a repo that fails keeps what was known of it; failing and answering again are each said once', async (t) => {
  const { ports, watch } = watched(t);
  await watch.look();
  const listing = ports.store.recorded.repos.get(REPO)?.listing;
  ports.git.before = () => Promise.reject(refused('git-list-failed'));
  await watch.look();
  await watch.look();
  assert.deepEqual(ports.store.recorded.repos.get(REPO)?.listing, listing);
  assert.equal(ports.store.recorded.repos.get(REPO)?.error?.code, 'git-list-failed');
  ports.git.before = () => {};
  await watch.look();
  await watch.look();
  assert.deepEqual(ports.events(), ['source.stale', 'source.recovered']);
  assert.equal(ports.store.recorded.repos.get(REPO)?.error, null);
});

test('a repo that never answered says so without a listing', async (t) => {
  const { ports, watch } = watched(t);
  ports.git.before = () => Promise.reject(new Error('boom'));
  await watch.look();
  const row = ports.store.recorded.repos.get(REPO);
  assert.deepEqual([row?.listing, row?.error?.code, watch.asOf], [null, 'unexpected', null]);
});

test('what goes wrong with what follows from a listing is the repo going stale too', async (t) => {
  const { ports, watch } = watched(t, () => {
    throw refused('git-list-failed');
  });
  await watch.look();
  assert.deepEqual(ports.events(), ['source.stale']);
});

test('a ref that moved between listing and fetching is no error: the repo is listed again at once', async (t) => {
  let moved = 1;
  const { ports, watch, listings } = watched(t, () => {
    if (moved-- > 0) throw refused('git-ref-moved');
  });
  await watch.look();
  assert.deepEqual([listings(), ports.events()], [2, []]);
});

test('a ref that seems to move each time is an error, and waits for the next look', async (t) => {
  const { ports, watch, listings } = watched(t, () => {
    throw refused('git-ref-moved');
  });
  await watch.look();
  assert.deepEqual([listings(), ports.events()], [2, ['source.stale']]);
});

test('an empty listing is recorded as what it is, and judged by whoever follows it', async (t) => {
  const { ports, watch, followed } = watched(t);
  ports.git.repo(REPO).branches.clear();
  ports.git.repo(REPO).head = null;
  await watch.look();
  assert.deepEqual([followed[0]?.head, followed[0]?.branches], [null, {}]);
});

test('a listing that could not be recorded on a full disk is recorded by a later look, although it is the same', async (t) => {
  const { ports, watch } = watched(t);
  ports.connection.isFull = true;
  await watch.look();
  assert.equal(ports.store.recorded.repos.size, 0);
  assert.match(ports.warnings[0] ?? '', /disk is full/);
  ports.connection.isFull = false;
  await watch.look();
  assert.notEqual(ports.store.recorded.repos.get(REPO)?.listing ?? null, null);
});

test('stopping ends a look that hangs, records nothing of it and starts no other', async (t) => {
  const { ports, watch, listings } = watched(t);
  ports.git.before = (_method, _subject, signal) => ports.clock.sleep(1e9, signal);
  void watch.look();
  await ports.clock.advance(0);
  await watch.stop();
  await watch.look();
  assert.deepEqual([listings(), ports.events(), ports.store.recorded.repos.size], [1, [], 0]);
});
