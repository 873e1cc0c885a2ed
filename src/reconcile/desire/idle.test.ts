import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appDeclaration, resolved, snapshot } from '../../../test/support/declarations.ts';
import type { AppDeclaration, IdlePolicy } from '../../model/app.ts';
import type { EnvKind } from '../../model/environment.ts';
import type { EnvName } from '../../model/ids.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { CODE_SPECS } from '../../specs/code-specs.ts';
import { TargetMemo } from './memo.ts';
import { wantOf } from './target.ts';

const MINUTE = 60_000;
const files = resolved({ entries: ['Procfile'], procfile: 'web: ./run' });

/** A snapshot of a config that says whether what is new in previews sleeps. */
function snapshotOf(app: AppDeclaration, asleep: boolean): Snapshot {
  const of = snapshot({ apps: [app] });
  assert.ok(of.config !== null);
  const { declarations } = of.config;
  const previews = { ...declarations.previews, ...(asleep ? { asleep: true as const } : {}) };
  return { ...of, config: { ...of.config, declarations: { ...declarations, previews } } };
}

function targetIn(kind: EnvKind, of: Snapshot, memo = new TargetMemo()) {
  const [app] = of.config?.declarations.apps ?? [];
  assert.ok(app !== undefined && of.config !== null);
  const env = (kind === 'preview' ? 'x' : kind) as EnvName;
  const target = wantOf(
    { app, config: of.config, specs: CODE_SPECS, state: files, ref: null },
    { env, kind },
    of,
    memo,
  );
  assert.ok('policy' in target);
  return target;
}

test('previews(asleep = True): what is new in previews starts asleep, from then on, and nowhere else', () => {
  const app = appDeclaration({ spec: 'procfile' });
  const [awake, asleep] = [snapshotOf(app, false), snapshotOf(app, true)];
  const usual: IdlePolicy = { pauseMs: null, stopMs: 15 * MINUTE };
  const memo = new TargetMemo();
  assert.deepEqual(targetIn('preview', awake, memo).policy.idle, usual);
  assert.deepEqual(targetIn('preview', asleep, memo).policy.idle, { ...usual, startsAsleep: true });
  assert.deepEqual(targetIn('preview', awake, memo).policy.idle, usual);
  assert.deepEqual([targetIn('stage', asleep).policy.idle, targetIn('prod', asleep).policy.idle], [usual, null]);
});

test('previews(asleep = True) wakes nothing that never sleeps', () => {
  const app = appDeclaration({ spec: 'procfile', idle: false });
  assert.equal(targetIn('preview', snapshotOf(app, true)).policy.idle, false);
});

test('idle, who says that what is new starts asleep in stage', () => {
  const there = { idle: { pauseMs: null, stopMs: null, startsAsleep: true } } as const;
  const of = snapshotOf(appDeclaration({ spec: 'procfile', stage: there }), false);
  assert.deepEqual(targetIn('stage', of).policy.idle, { pauseMs: null, stopMs: 15 * MINUTE, startsAsleep: true });
  assert.equal(targetIn('prod', of).policy.idle, null);
});

test('the plan says where a pause has no effect', () => {
  const idle = { pauseMs: MINUTE, stopMs: 5 * MINUTE };
  const note = 'idle: "pause" has no effect: what engine "process" runs is only stopped';
  const notes = (edit: Partial<AppDeclaration>) =>
    targetIn('prod', snapshotOf(appDeclaration({ spec: 'procfile', ...edit }), false)).notes;
  assert.deepEqual(notes({ idle }), [note]);
  assert.deepEqual(notes({ previews: { idle } }), [note]);
  assert.deepEqual(notes({ idle: { ...idle, pauseMs: null } }), []);
});
