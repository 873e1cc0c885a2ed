import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Command } from 'commander';
import { auditLine, EMPTY_PLAN, FakeReader, fakePorts, runForTest } from '../../test/support/cli.ts';
import { MainspringError } from '../model/errors.ts';
import { buildProgram } from './program.ts';
import { parseSince } from './read-commands.ts';

/** A folder with settings in it. */
async function settingsFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ms-cli-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'mainspring.toml'), 'config_repo = "https://git.example.com/c.git"\n');
  return folder;
}

/** Runs a reading command on a reader in memory. */
async function readWith(t: TestContext, reader: FakeReader, args: readonly string[]) {
  const ports = { openLocalReader: async () => reader };
  const ran = await runForTest(args, { ports, io: { cwd: await settingsFolder(t) } });
  assert.ok(reader.isClosed, 'the reader should be closed');
  return ran;
}

const COMMANDS = [
  'init',
  'serve',
  'check',
  'plan',
  'status',
  'logs',
  'explain',
  'wait',
  'audit',
  'audit verify',
  'doctor',
  'demo',
];

test('version and commit are printed', async () => {
  assert.deepEqual(await runForTest(['--version']), { exit: 0, stdout: '0.1.0 (commit 1a2b3c4d)\n', stderr: '' });
});

for (const command of ['', ...COMMANDS]) {
  test(`mainspring ${command} --help says what it does, with examples`, async () => {
    const { exit, stdout } = await runForTest([...command.split(' ').filter(Boolean), '--help']);
    assert.equal(exit, 0);
    assert.match(stdout, new RegExp(`^Usage: mainspring ${command.split(' ')[0] ?? ''}`));
    assert.match(stdout, /\nExamples:\n {2}(git push && )?mainspring /);
  });
}

test('docs/cli.md tells of each command and each of its options', async () => {
  const docs = await readFile(new URL('../../docs/cli.md', import.meta.url), 'utf8');
  const { io } = { io: {} as never };
  const program = buildProgram({ ports: fakePorts(), io }, async () => {});
  const all = program.commands.flatMap((command) => [command, ...command.commands]);
  const nameOf = (command: Command) =>
    command.parent === program ? command.name() : `${command.parent?.name()} ${command.name()}`;
  assert.deepEqual(all.map(nameOf).sort(), [...COMMANDS].sort());
  for (const command of all) {
    const section = docs.split(/^## /m).find((part) => part.startsWith(`\`${nameOf(command)}`));
    assert.ok(section, `"${nameOf(command)}" has no section`);
    for (const { long } of command.options.filter(
      ({ long }) => !['--config', '--url', '--token-file'].includes(long ?? ''),
    )) {
      assert.ok(section.includes(`\`${long}`), `"${nameOf(command)}" should tell of ${long}`);
    }
  }
});

for (const [args, message] of [
  [['stauts'], "unknown command 'stauts'"],
  [['status', '--jsn'], "unknown option '--jsn'"],
  [['init'], "missing required argument 'repo'"],
  [['wait', '--commit', 'abc'], 'Should be a full commit id'],
  [['wait', '--timeout', '10'], 'Should be a duration'],
  [['plan', '--ref', 'x', '--dir', '.'], 'cannot be used with'],
  [['plan', '--dir', '.', '--url', 'http://x'], 'cannot be used with'],
  [['plan', '--json', '--markdown'], 'cannot be used with'],
  [['status', '--url', 'x'], 'Should be a URL'],
  [['audit', 'verify', '--head', 'x'], 'Should be ID:HASH'],
  [['audit', 'verfy'], 'error[usage]'],
  [['serve', 'now'], 'too many arguments'],
  [['audit', '--since', 'yesterday'], '--since: should be a duration'],
  [['status', '--token-file', 'x'], '--token-file goes with --url'],
] as const) {
  test(`mainspring ${args.join(' ')} is a usage error`, async () => {
    const { exit, stdout, stderr } = await runForTest(args);
    assert.equal(exit, 64, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, /^error\[usage\]: /);
    assert.ok(stderr.includes(message), stderr);
  });
}

test('a name that is nearly right is suggested as a hint', async () => {
  const { stderr } = await runForTest(['stauts']);
  assert.equal(stderr, "error[usage]: unknown command 'stauts'\n  hint: Did you mean status?\n");
});

test('no command at all shows the help and is a usage error', async () => {
  const { exit, stderr } = await runForTest([]);
  assert.equal(exit, 64);
  assert.match(stderr, /^Usage: mainspring/);
});

test('a command that gives an exit code ends with it', async () => {
  assert.equal((await runForTest(['serve'], { ports: { serve: async () => 7 } })).exit, 7);
});

test('an error is printed in the house form on standard error', async () => {
  const serve = async () => {
    throw new MainspringError('store-locked', 'another daemon (pid 7) has the data folder', { hint: 'Stop it.' });
  };
  assert.deepEqual(await runForTest(['serve'], { ports: { serve } }), {
    exit: 1,
    stdout: '',
    stderr: 'error[store-locked]: another daemon (pid 7) has the data folder\n  hint: Stop it.\n',
  });
});

test('what nobody foresaw says where it happened', async () => {
  const serve = async () => {
    throw new TypeError('x is undefined');
  };
  const { exit, stderr } = await runForTest(['serve'], { ports: { serve } });
  assert.equal(exit, 1);
  assert.match(stderr, /^error\[unexpected\]: x is undefined\nTypeError: x is undefined\n +at /);
});

test('settings that are missing or wrong end a reading command with what is wrong', async (t) => {
  const cwd = await settingsFolder(t);
  await writeFile(join(cwd, 'mainspring.toml'), 'brnch = 1\n');
  const wrong = await runForTest(['status'], { io: { cwd } });
  assert.equal(wrong.exit, 1);
  assert.match(
    wrong.stderr,
    /^error\[settings-invalid\]: .* 2 errors:\n {2}.*mainspring\.toml:1: brnch: is no setting/,
  );
  const missing = await runForTest(['status', '--config', 'none.toml'], { io: { cwd } });
  assert.match(missing.stderr, /^error\[settings-missing\]: /);
});

test('status --json prints the value as it is', async (t) => {
  const reader = new FakeReader();
  const { exit, stdout } = await readWith(t, reader, ['status', '--json']);
  assert.equal(exit, 0);
  assert.deepEqual(JSON.parse(stdout), reader.statusValue);
});

test('plan hands on what it was asked for, and --check tells changes by its exit code', async (t) => {
  const reader = new FakeReader();
  assert.equal((await readWith(t, reader, ['plan', '--check', '--ref', 'x'])).exit, 0);
  reader.planValue = { ...EMPTY_PLAN, cancelled: [{ env: 'prod', app: '/a' }] };
  assert.equal((await readWith(t, reader, ['plan', '--check', '--dir', '/c'])).exit, 2);
  assert.equal((await readWith(t, reader, ['plan', '--json'])).exit, 0);
  assert.deepEqual(reader.asked, [
    { ref: 'x', dir: null },
    { ref: null, dir: '/c' },
    { ref: null, dir: null },
  ]);
});

test('a plan of a config that would be rejected fails', async (t) => {
  const reader = new FakeReader();
  const error = { code: 'config-invalid', file: 'a.star', line: 1, message: 'bad', hint: null };
  reader.planValue = { ...EMPTY_PLAN, errors: [error] };
  const { exit, stdout } = await readWith(t, reader, ['plan', '--check', '--markdown']);
  assert.equal(exit, 1);
  assert.match(stdout, /`a\.star:1`: `bad`/);
});

test('logs prints the text of the lines', async (t) => {
  const reader = new FakeReader();
  const { stdout } = await readWith(t, reader, ['logs', '/a', '--env', 'stage', '-f', '--tail', '5']);
  assert.equal(stdout, 'hello\n');
  assert.deepEqual(reader.asked, [{ app: '/a', env: 'stage', build: false, follow: true, tail: 5 }]);
});

test('audit --json prints one event a line, and --since takes a time ago', async (t) => {
  const reader = new FakeReader();
  reader.lines = [auditLine({ id: 1 }), auditLine({ id: 2 })];
  const { stdout } = await readWith(t, reader, ['audit', '--json', '--app', '/a', '--since', '1d']);
  assert.deepEqual(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
    reader.lines,
  );
  assert.deepEqual(reader.asked, [{ app: '/a', env: null, since: '2026-06-30T00:00:00.000Z' }]);
});

test('audit verify says how far the log is good, with the head to keep', async (t) => {
  const reader = new FakeReader();
  const head = `1:${'1'.repeat(64)}`;
  const { exit, stdout } = await readWith(t, reader, [
    'audit',
    'verify',
    '--head',
    head,
    '--config',
    './mainspring.toml',
  ]);
  assert.equal(exit, 0);
  assert.equal(stdout, `the log is as it was written (1 lines, head ${head})\n`);
  assert.deepEqual(reader.asked, [head]);
});

test('audit verify fails on a broken log and names the line', async (t) => {
  const reader = new FakeReader();
  reader.verdict = { ok: false, message: 'event 7 was changed', lines: 6, head: '6:abc' };
  const { exit, stderr } = await readWith(t, reader, ['audit', 'verify']);
  assert.equal(exit, 1);
  assert.match(stderr, /^error\[audit-broken\]: event 7 was changed\n {2}hint: The log is good up to 6:abc/);
});

test('wait exits with 0 when all is live, 1 when something is stuck and 3 when the time is over', async (t) => {
  const reader = new FakeReader();
  assert.deepEqual(await readWith(t, reader, ['wait']), { exit: 0, stdout: 'aaaaaaaa is live (0 apps)\n', stderr: '' });
  const { config } = reader.statusValue;
  reader.statusValue = { ...reader.statusValue, config: { ...config, planned: null } };
  const late = await readWith(t, reader, ['wait', '--timeout', '0s']);
  assert.equal(late.exit, 3);
  assert.match(late.stderr, /error\[timed-out\]: wait: aaaaaaaa was accepted and is being planned/);
  const error = { code: 'config-invalid', file: 'a.star', line: 1, message: 'bad', hint: null };
  reader.statusValue = { ...reader.statusValue, config: { ...config, accepted: null, errors: [error] } };
  const rejected = await readWith(t, reader, ['wait']);
  assert.equal(rejected.exit, 1);
  assert.match(rejected.stderr, /was rejected; what runs goes on\n {2}a\.star:1: bad/);
});

test('a time is a duration ago or an instant', () => {
  const now = Date.UTC(2026, 0, 2);
  assert.equal(parseSince('2h', now), '2026-01-01T22:00:00.000Z');
  assert.equal(parseSince('2026-01-01T12:00Z', now), '2026-01-01T12:00:00.000Z');
  assert.equal(parseSince('12', now), undefined);
});
