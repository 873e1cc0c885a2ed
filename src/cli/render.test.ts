import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import type { AuditLine, PlanDocument, PlanStep, Status } from '../model/surface.ts';
import { renderAuditLine } from './render-audit.ts';
import { renderPlan, renderPlanMarkdown } from './render-plan.ts';
import { renderStatus } from './render-status.ts';
import { columns, errorText, oneLine, painter, wantsColour } from './terminal.ts';

const plain = painter(false);
const A = 'a'.repeat(40);
const B = 'b'.repeat(40);
const side = { revision: 'f'.repeat(64), artifact: { key: 'k', digest: null }, config_commit: A, source_commit: B };
const since = '2026-01-31T17:05:09.123Z';

const STATUS: Status = {
  version: '0.1.0',
  config: {
    repo: '/srv/config.git',
    branch: 'main',
    commit: B,
    accepted: A,
    planned: A,
    errors: [
      {
        code: 'config-invalid',
        file: 'apps.star',
        line: 3,
        message: 'no argument "specc"',
        hint: 'Did you mean "spec"?',
      },
    ],
  },
  settled: true,
  environments: [
    {
      name: 'prod',
      kind: 'prod',
      parked: false,
      cause: null,
      deployments: [
        {
          app: '/docs',
          url: 'http://localhost/docs',
          live: { ...side, since, asleep: false, condition: null },
          next: null,
        },
        {
          app: '/sales',
          url: 'http://localhost/sales',
          live: { ...side, since, asleep: false, condition: { reason: 'crashing', message: 'exited with 1', since } },
          next: { ...side, state: 'quarantined', reason: 'answered\n500 \u001b[31m', release: null },
        },
        {
          app: '/new',
          url: 'http://localhost/new',
          live: null,
          next: {
            revision: null,
            artifact: null,
            config_commit: A,
            source_commit: null,
            state: 'waiting',
            reason: 'no such branch',
            release: null,
          },
        },
      ],
    },
  ],
  releases: [],
  sources: [
    { repo: 'https://x.example/r', as_of: since, error: { code: 'git-timeout', message: 'no answer', hint: null } },
  ],
  audit: { head: '17:abc' },
  not_in_effect: ['[docker]'],
};

test('status shows what runs, what is next and why, errors with their place, and what is stale', () => {
  assert.equal(
    renderStatus(STATUS, plain),
    `config  /srv/config.git main
commit  bbbbbbbb rejected; aaaaaaaa goes on
state   settled
error[config-invalid] apps.star:3: no argument "specc"
  hint: Did you mean "spec"?

prod
  APP     STATE     REVISION  CONFIG    SOURCE    SINCE                 URL
  /docs   live      ffffffff  aaaaaaaa  bbbbbbbb  2026-01-31 17:05:09Z  http://localhost/docs
  /sales  crashing  ffffffff  aaaaaaaa  bbbbbbbb  2026-01-31 17:05:09Z  http://localhost/sales
    now   exited with 1 (since 2026-01-31 17:05:09Z)
    next  quarantined, revision ffffffff, config aaaaaaaa, source bbbbbbbb: answered 500 \ufffd[31m
  /new    waiting   -         -         -         -                     http://localhost/new
    next  waiting, config aaaaaaaa: no such branch

stale https://x.example/r (as of 2026-01-31 17:05:09Z): no answer

not in effect yet: [docker]
Mainspring 0.1.0, audit log at 17:abc
`,
  );
});

function plan(change: Partial<PlanDocument> = {}): PlanDocument {
  return {
    config_commit: A,
    steps: [],
    summary: { create: 0, update: 0, remove: 0, blocked: 0 },
    blocked: [],
    cancelled: [],
    removal_hash: null,
    errors: [],
    notes: [],
    not_in_effect: [],
    ...change,
  };
}

const STEPS: readonly PlanStep[] = [
  {
    kind: 'create',
    env: 'prod',
    app: '/new',
    changed: [],
    from: null,
    to: side,
    effect: 'instance',
    notes: ['found a Procfile'],
  },
  { kind: 'update', env: 'prod', app: '/docs', changed: ['health'], from: side, to: side, effect: 'policy' },
  {
    ...{ kind: 'update', env: 'stage', app: '/docs', changed: ['params', 'source'], from: side, effect: 'instance' },
    to: { ...side, revision: 'e'.repeat(64) },
    ...{ build: 'reuse', because: 'built before', release: 'r1' },
    changes: [
      { argument: 'params', from: { A: 1 }, to: { A: 'x'.repeat(80) } },
      { argument: 'source', from: { repo: '/r', commit: A, tree: 't' }, to: { repo: '/r', commit: B, tree: 'u' } },
    ],
  },
  { kind: 'remove', env: 'prod', app: '/old', changed: [], from: side, to: null, held: 'too many removals' },
];
const FULL = plan({
  steps: STEPS,
  summary: { create: 1, update: 2, remove: 1, blocked: 1 },
  releases: [{ id: 'r1', env: 'stage', members: ['/docs', '/x'], joins: ['r0'], blocked_by: ['/x'] }],
  blocked: [{ env: 'prod', app: '/x', code: 'git-ref-missing', message: 'no branch "x"', hint: null }],
  removal_hash: 'abc',
});

test('a plan shows each step with its sign, what it changes and what holds it', () => {
  assert.equal(
    renderPlan(FULL, plain),
    `Plan for aaaaaaaa: 1 to create, 1 to update, 1 to remove, 1 blocked in prod; 1 to update in stage
prod
  +  create  /new   ffffffff
       note: found a Procfile
  ~  update  /docs  ffffffff, changed: health, without a restart
  -  remove  /old   ffffffff
       held: too many removals
  !  /x can't be planned: no branch "x"
stage
  ~  update  /docs  ffffffff → eeeeeeee, no build (built before)
       params  {"A":1} → {"A":"${'x'.repeat(53)}…
       source  aaaaaaaa → bbbbbbbb
  =  release r1: /docs, /x switch as one, with what was in r0; blocked by /x
A large share of production would go, so the removals wait for main to say release(allow_removal = "abc").
`,
  );
});

test('a plan of nothing says so, and one of a broken config says what is wrong', () => {
  assert.equal(renderPlan(plan(), plain), 'Plan for aaaaaaaa: nothing changes\n');
  assert.equal(
    renderPlan(plan({ errors: STATUS.config.errors }), plain),
    `Plan for aaaaaaaa: rejected, what runs goes on
error[config-invalid] apps.star:3: no argument "specc"
  hint: Did you mean "spec"?
`,
  );
});

test('a plan as Markdown is a table', () => {
  assert.equal(
    renderPlanMarkdown(FULL),
    `### Plan for aaaaaaaa: 1 to create, 1 to update, 1 to remove, 1 blocked in prod; 1 to update in stage

| | environment | app | |
| --- | --- | --- | --- |
| create | \`prod\` | \`/new\` | \`ffffffff\` |
| update | \`prod\` | \`/docs\` | \`ffffffff, changed: health, without a restart\` |
| remove | \`prod\` | \`/old\` | \`ffffffff\` |
| update | \`stage\` | \`/docs\` | \`ffffffff → eeeeeeee, no build (built before)\` |

- \`stage\` \`/docs\` \`params\`: \`{"A":1}\` → \`{"A":"${'x'.repeat(53)}…\`
- \`stage\` \`/docs\` \`source\`: \`aaaaaaaa\` → \`bbbbbbbb\`
- \`/new\`: \`found a Procfile\`
- \`/old\`: \`held: too many removals\`

- \`prod\` \`/x\` can't be planned: \`no branch "x"\`

- \`stage\`: \`release r1: /docs, /x switch as one, with what was in r0; blocked by /x\`

A large share of production would go, so the removals wait for main to say release(allow_removal = "abc").
`,
  );
});

test('nothing in a plan becomes markup of a comment', () => {
  const text = renderPlanMarkdown(plan({ notes: ['`x` <img src=y> @everyone |\n# big'] }));
  assert.match(text, /^- `` `x` <img src=y> @everyone ¦ # big ``$/m);
});

test('an event of the audit log is one line that names the commit', () => {
  const line: AuditLine = {
    id: 17,
    at: since,
    kind: 'deployment.live',
    env: 'prod',
    app: '/docs',
    cause: { kind: 'commit', repo: '/srv/config.git', ref: 'main', commit: A, author: 'Kim\nX', pull: null },
    detail: { revision: 'f'.repeat(64), after_ms: 12, note: 'a b', none: null },
    prev: '',
    hash: '',
  };
  assert.equal(
    renderAuditLine(line, plain),
    '2026-01-31 17:05:09Z 17  deployment.live  prod /docs  aaaaaaaa by Kim X on main of /srv/config.git  revision=ffffffff after_ms=12 note="a b"\n',
  );
});

test('columns keep their width under colours', () => {
  const paint = painter(true);
  const [first, second] = columns([
    [paint('red', 'a'), 'x'],
    ['long', 'y'],
  ]);
  assert.equal(stripVTControlCharacters(first ?? ''), 'a     x');
  assert.equal(second, 'long  y');
});

test('what would move the cursor or hide text is not printed', () => {
  assert.equal(oneLine('a\u001b[2Jb\u202ec\r\nd'), 'a\ufffd[2Jb\ufffdc d');
});

test('colours are for terminals, unless NO_COLOR is set', () => {
  const terminal = Object.assign(Object.create(process.stdout) as NodeJS.WriteStream, { isTTY: true as const });
  const file = Object.assign(Object.create(process.stdout) as NodeJS.WriteStream, { isTTY: false });
  assert.deepEqual(
    [
      wantsColour(terminal, {}),
      wantsColour(terminal, { NO_COLOR: '1' }),
      wantsColour(terminal, { NO_COLOR: '' }),
      wantsColour(file, {}),
    ],
    [true, false, true, false],
  );
});

test('an error has its code, and a hint where there is one', () => {
  assert.equal(errorText({ code: 'usage', message: 'm', hint: 'h' }, plain), 'error[usage]: m\n  hint: h\n');
  assert.equal(errorText({ code: 'usage', message: 'm', hint: null }, plain), 'error[usage]: m\n');
});
