import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import {
  appDeclaration,
  CONFIG_REPO,
  commitCause,
  commitId,
  desiredFor,
  finish,
  targetOf,
} from '../../test/support/declarations.ts';
import { AT, artifact, deployment, instance, live, next } from '../../test/support/recorded.ts';
import { tempStore } from '../../test/support/temp-store.ts';
import { hashOf } from '../model/canonical.ts';
import type { Target } from '../model/desired.ts';
import type { LiveState, NextState, RecordedDeployment, RecordedInstance } from '../model/recorded.ts';
import { plan } from '../reconcile/plan.ts';
import { Recorded } from './recorded.ts';
import { type Columns, TABLES } from './tables.ts';

const target = before(targetOf());
const newer = before(targetOf(appDeclaration({ params: { A: [1, { b: null }] } })));
const HASH = '5f9d370c85bf0a1e';
const cause = commitCause();

/** Rows by what they are about, as this version has them. */
const AFTER = {
  '/none': deployment({ app: '/none' }),
  '/live': deployment({ app: '/live', dataEngine: 'process', kept: [target.artifact], live: live(target) }),
  '/both': deployment({
    app: '/both',
    kept: [target.artifact],
    live: live(target, { asleep: true, condition: { reason: 'r', message: 'm', since: 's' } }),
    next: next(newer, { state: 'verifying', deadline: AT }),
  }),
  '/failed': deployment({ app: '/failed', next: next(newer, { state: 'quarantined' }) }),
  '/leaving': deployment({
    app: '/leaving',
    kept: [target.artifact],
    live: live(target),
    next: next(null, { state: 'removing', removes: true }),
  }),
  '/braked': deployment({
    app: '/braked',
    kept: [target.artifact],
    live: live(target),
    next: next(null, { state: 'held', removes: true, brake: HASH, release: HASH, reason: 'removal held' }),
  }),
} as const satisfies Record<string, RecordedDeployment>;

/** A target of the first version as this one reads it: no environment came before another. */
function before(target: Target): Target {
  const policy = without(target.policy, 'after');
  return { ...target, policy: { ...target.policy, after: null }, policyHash: hashOf(policy) };
}

/** The same as the first version wrote it. */
function firstTarget(target: Target): Target {
  return { ...target, policy: without(target.policy, 'after') as Target['policy'] };
}

function without(value: object, ...names: string[]): object {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
}

/** What is live or next as the first version wrote it. */
function firstPart(part: LiveState | NextState | null, ...names: string[]): never {
  const first = part && without({ ...part, target: part.target && firstTarget(part.target) }, ...names);
  return first as never;
}

/** A deployment as the first version wrote it. */
function firstColumns({ kept: _, ...row }: RecordedDeployment): Columns {
  const columns = TABLES.deployment.toColumns({
    ...row,
    kept: [],
    live: firstPart(row.live, 'suspended'),
    next: firstPart(row.next, 'removes', 'brake'),
  });
  const { kept: __, ...first } = columns;
  return first;
}

/** An instance as the first version wrote it. */
function firstInstance(row: RecordedInstance): Columns {
  const { idle_since: _, ...first } = TABLES.instance.toColumns({ ...row, target: firstTarget(target) });
  return first;
}

function insert(db: Database.Database, table: string, columns: Columns): void {
  const names = Object.keys(columns);
  db.prepare(`INSERT INTO ${table} (${names}) VALUES (${names.map(() => '?')})`).run(...Object.values(columns));
}

const listing = { repo: CONFIG_REPO, asOf: AT, head: 'main', branches: { main: commitId('1'), old: commitId('2') } };
const runs = instance({ id: 'i-both', target });
const liveInstance = { ...runs, app: AFTER['/both'].app };

/** Writes a database as the first version did, closed again. */
function writeFirst(path: string): void {
  const db = new Database(path);
  db.pragma('foreign_keys = ON');
  db.exec(readFileSync(new URL('./migrations/0001-first.sql', import.meta.url), 'utf8'));
  db.pragma('user_version = 1');
  const of = { name: 'prod', kind: 'prod', identity: 'prod' };
  insert(db, 'environments', { ...of, parked: 0, cause: null, errors: '[]', created_at: AT });
  for (const row of Object.values(AFTER)) insert(db, 'deployments', firstColumns(row));
  insert(db, 'instances', firstInstance(liveInstance));
  insert(db, 'artifacts', TABLES.artifact.toColumns(artifact(target)));
  const release = { id: HASH, env: 'prod', state: 'held', members: '["/braked"]', removal_hash: HASH };
  insert(db, 'releases', { ...release, cause: JSON.stringify(cause) });
  insert(db, 'repos', { repo: CONFIG_REPO, listing: JSON.stringify(listing), error: null });
  insert(db, 'repos', { repo: 'https://git.example.com/never', listing: null, error: null });
  db.close();
}

test('what the first version recorded is all there, in the form of this one', (t) => {
  const { path, open } = tempStore(t);
  writeFirst(path);
  const { recorded } = open();
  assert.deepEqual(Object.fromEntries([...recorded.deployments.values()].map((row) => [row.app, row])), AFTER);
  assert.deepEqual(
    [...recorded.environments.values()],
    [
      {
        ...{ name: 'prod', kind: 'prod', identity: 'prod', parked: null, cause: null, heads: {}, goodConfig: null },
        ...{ errors: [], createdAt: AT, activeAt: 0, endingSince: null },
      },
    ],
  );
  assert.deepEqual([...recorded.instances.values()], [liveInstance]);
  assert.deepEqual([...recorded.artifacts.values()], [artifact(target)]);
  assert.deepEqual(
    [...recorded.releases.values()],
    [{ id: HASH, env: 'prod', state: 'held', removalHash: HASH, cause, since: 0 }],
  );
});

test('a removal that the brake held is still a member of its release, and what ran is still used and kept', (t) => {
  const { path, open } = tempStore(t);
  writeFirst(path);
  const { recorded } = open();
  assert.ok(recorded instanceof Recorded);
  assert.deepEqual(
    recorded.membersOf(HASH).map(({ app }) => app),
    ['/braked'],
  );
  assert.deepEqual([recorded.isUsed(target.artifact), recorded.isKept(target.artifact)], [true, true]);
});

test('what ran goes on as it is: apps get a stage, and nothing is built or started anew but there', (t) => {
  const { path, open } = tempStore(t);
  writeFirst(path);
  const { recorded } = open();
  const row = AFTER['/live'];
  const app = appDeclaration({ id: row.app });
  const { steps } = finish(plan(desiredFor({ apps: [app], recorded }), recorded, AT));
  assert.deepEqual(
    steps
      .filter((step) => step.app === row.app)
      .map((step) => [step.kind, step.env, 'effect' in step && step.effect, step.changed]),
    [
      ['update', 'prod', 'policy', ['stage']],
      ['create', 'stage', 'instance', []],
    ],
  );
});

test('branches that were there before previews were are the baseline: none of them is new', (t) => {
  const { path, open } = tempStore(t);
  writeFirst(path);
  assert.deepEqual(
    [...open().recorded.repos.values()],
    [
      { repo: CONFIG_REPO, listing, error: null, baseline: listing.branches, movedAt: { main: AT, old: AT } },
      { repo: 'https://git.example.com/never', listing: null, error: null, baseline: null, movedAt: {} },
    ],
  );
});

test('after it was brought up to date, the tables refuse what those of a new database refuse', (t) => {
  const { path, open } = tempStore(t);
  writeFirst(path);
  open().close();
  const fresh = tempStore(t);
  fresh.open().close();
  const tablesOf = (file: string) => {
    const db = new Database(file);
    t.after(() => db.close());
    assert.deepEqual(db.pragma('foreign_key_check'), []);
    return db.prepare("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite%' ORDER BY name").all();
  };
  assert.deepEqual(tablesOf(path), tablesOf(fresh.path));
});
