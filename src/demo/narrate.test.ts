import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditLine } from '../../test/support/cli.ts';
import { painter } from '../cli/terminal.ts';
import { AUDIT_KINDS } from '../model/audit.ts';
import type { AuditLine } from '../model/surface.ts';
import { type Around, narrate } from './narrate.ts';

const commit = {
  kind: 'commit' as const,
  repo: '/srv/config.git',
  ref: 'main',
  commit: 'c0ffee00'.repeat(5),
  author: 'Ada',
  pull: null,
};

function told(change: Partial<AuditLine>, around: Partial<Around> = {}): string[] {
  const line = auditLine({ at: '2026-01-31T17:05:09.123Z', cause: commit, ...change });
  return narrate(line, { subject: '', errors: [], url: null, ...around }, painter(false));
}

const error = { code: 'config-invalid', file: 'apps.star', line: 5, message: 'unknown spec "statik"' };
const place = 'error[config-invalid] apps.star:5: unknown spec "statik"';

for (const [name, change, around, expected] of [
  [
    'an accepted commit is named with its message',
    { kind: 'config.accepted', detail: { apps: 2 } },
    { subject: 'Say hello' },
    ['17:05:09  commit c0ffee00 "Say hello" accepted'],
  ],
  [
    'a rejected commit comes with file, line and hint of each error',
    { kind: 'config.rejected', detail: { errors: [error], more: 0 } },
    { errors: [{ ...error, hint: 'Did you mean "static"?' }] },
    [
      '17:05:09  commit c0ffee00 rejected; what runs goes on',
      `          ${place}`,
      '            hint: Did you mean "static"?',
    ],
  ],
  [
    'a rejected commit that is not the newest any more has the errors of the log',
    { kind: 'config.rejected', detail: { errors: [error], more: 0 } },
    {},
    ['17:05:09  commit c0ffee00 rejected; what runs goes on', `          ${place}`],
  ],
  [
    'an app that went live says how fast, and where it is',
    { kind: 'deployment.live', app: '/hello', detail: { seen_ms_ago: 64 } },
    { url: 'http://localhost:8080/hello' },
    ['17:05:09  /hello is live, 64 ms after the commit was seen: http://localhost:8080/hello'],
  ],
  [
    'an app that went live elsewhere says where',
    { kind: 'deployment.live', env: 'try', app: '/', detail: {} },
    { url: 'http://try.env.localhost:8080/' },
    ['17:05:09  / is live in try: http://try.env.localhost:8080/'],
  ],
  [
    'a preview is told with its branch and commit',
    { kind: 'environment.opened', env: 'try', cause: { ...commit, ref: 'try' } },
    { subject: 'Try it' },
    ['17:05:09  preview try of branch try, commit c0ffee00 "Try it", is being made'],
  ],
  ['production is there without a word', { kind: 'environment.opened', env: 'prod' }, {}, []],
  [
    'a preview that is over says why',
    { kind: 'environment.ending', env: 'try', detail: { why: 'branch "try" is gone from /r' } },
    {},
    ['17:05:09  preview try is over: branch "try" is gone from /r'],
  ],
  [
    'a preview that is parked says why',
    { kind: 'environment.parked', env: 'try', detail: { why: 'ttl' } },
    {},
    ['17:05:09  preview try is parked: ttl'],
  ],
  [
    'a release that is held says who holds it',
    { kind: 'release.held', env: 'stage', detail: { members: ['/a', '/b'], blocked_by: ['/b'] } },
    {},
    ['17:05:09  /a, /b are held in stage: none switches, because of /b'],
  ],
  [
    'a release that is live says what switched',
    { kind: 'release.live', env: 'prod', detail: { members: ['/a', '/b'] } },
    {},
    ['17:05:09  /a, /b have switched as one in prod'],
  ],
  [
    'an app that could not be started says why',
    { kind: 'instance.failed', app: '/hello', detail: { message: 'exited with code 1' } },
    {},
    ['17:05:09  /hello instance failed: exited with code 1'],
  ],
  [
    'a removal that is held says what would let it go on',
    { kind: 'removal.held', app: '/hello', detail: { removal_hash: '46cf6134' } },
    {},
    ['17:05:09  /hello is kept (held): to remove so much, main must say release(allow_removal = "46cf6134")'],
  ],
  [
    'a message that would move the cursor is shown as text',
    { kind: 'config.accepted', detail: {} },
    { subject: 'a\u001b[2Jb' },
    ['17:05:09  commit c0ffee00 "a\ufffd[2Jb" accepted'],
  ],
  ['what only matters inside is not told', { kind: 'artifact.built', app: '/hello' }, {}, []],
] as const) {
  test(name, () => assert.deepEqual(told(change, around), expected));
}

test('every kind of event can be told, whatever its details', () => {
  for (const kind of Object.keys(AUDIT_KINDS)) assert.doesNotThrow(() => told({ kind, detail: {} }), kind);
});
