import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RepoUrl } from './source.ts';
import { branchFault, parseCommit, parseRepoUrl, parseSource, transportOf } from './source-url.ts';

const repo = (url: string, folder = '') => ({ kind: 'repo', url, folder });
const config = (folder: string) => ({ kind: 'config', folder });

for (const [text, expected] of [
  ['-', { kind: 'none' }],
  ['.', config('')],
  ['./', config('')],
  ['./apps/wiki', config('apps/wiki')],
  ['./apps/wiki/', config('apps/wiki')],
  ['github.com/acme/x', repo('https://github.com/acme/x')],
  ['github.com/acme/mono//services/reports', repo('https://github.com/acme/mono', 'services/reports')],
  ['GitHub.com/Acme/X.git/', repo('https://github.com/Acme/X.git')],
  ['localhost:3000/acme/x', repo('https://localhost:3000/acme/x')],
  [
    'HTTPS://Git.Acme.dev:443/data/mono.git//services/reports/',
    repo('https://git.acme.dev/data/mono.git', 'services/reports'),
  ],
  ['http://127.0.0.1:4700/a.git', repo('http://127.0.0.1:4700/a.git')],
  ['http://[::1]:4700/a.git', repo('http://[::1]:4700/a.git')],
  ['ssh://git@git.acme.dev:22/a/b.git', repo('ssh://git@git.acme.dev/a/b.git')],
  ['ssh://git@git.acme.dev:2222/a/b.git//sub', repo('ssh://git@git.acme.dev:2222/a/b.git', 'sub')],
  ['git@GitHub.com:acme/x.git', repo('git@github.com:acme/x.git')],
  ['git@github.com:acme/x.git//sub', repo('git@github.com:acme/x.git', 'sub')],
  ['git@host.dev:/srv/x.git', repo('ssh://git@host.dev/srv/x.git')],
  ['/srv/git/x.git', repo('/srv/git/x.git')],
  ['/srv/git/x.git//sub', repo('/srv/git/x.git', 'sub')],
  ['file:///srv/git/x.git/', repo('/srv/git/x.git')],
  ['file:///srv/git/x.git//a/b', repo('/srv/git/x.git', 'a/b')],
  ['file://localhost/srv/x', repo('/srv/x')],
] as const) {
  test(`the source "${text}" is understood`, () => assert.deepEqual(parseSource(text), expected));
}

for (const text of [
  '',
  ' ',
  '..',
  '../other',
  './../other',
  './a/../b',
  './a//b',
  './.git/config',
  'apps/wiki',
  'wiki',
  '//lib/team',
  '-oProxyCommand=x',
  '--upload-pack=touch /tmp/x',
  'ext::sh -c id',
  'ext::sh',
  'fd::7',
  'git://host/x',
  'ftp://host/x',
  'javascript://x/y',
  'https://',
  'https://host',
  'https://host/',
  'https://-host/x',
  'https://ho st/x',
  'ssh://-oProxyCommand=x/y',
  'ssh://-x@host/y',
  'ssh://git:secret@host/y',
  'https://user@host/x',
  'https://user:pass@host/x',
  'https://:pass@host/x',
  'https://host/x?y',
  'https://host/x#y',
  'https://host/a/../b',
  'https://host/a/%2e%2e/b',
  'https://host/a%2fb',
  'https://host/a%00',
  'https://host//x',
  'https://host/x//../y',
  'https://host/x//a//b',
  'https://host/x//.git',
  'git@host:-x',
  'git@host:',
  'git@-host:x',
  '-u@host:x',
  'git@host:../x',
  '/',
  '///',
  '/a/../b',
  '/a/./b',
  'file://host/x',
  'file:///a/%2e%2e/b',
  'file:x',
  'https://host/a\nb',
  'https://host/a\u0000b',
  'https://host/a\u0085b',
  'https://host/a\\b',
  `https://host/${'a'.repeat(2_048)}`,
  'github.com/acme/mono/services/reports',
  '/srv/\ud800',
]) {
  test(`the source ${JSON.stringify(text).slice(0, 60)} is refused`, () => {
    const parsed = parseSource(text);
    assert.equal(parsed.kind, 'fault', JSON.stringify(parsed));
  });
}

test('a refused credential is not repeated in the message', () => {
  assert.ok(!JSON.stringify(parseSource('https://user:hunter2@host/x')).includes('hunter2'));
});

test('a GitHub path with a folder is told how to write it', () => {
  const parsed = parseRepoUrl('github.com/acme/mono/services/reports');
  assert.ok(parsed.kind === 'fault' && parsed.hint?.includes('github.com/acme/mono//services/reports'));
});

test('parsing what was normalised gives the same again', () => {
  for (const text of [
    'github.com/acme/x',
    'git@h.dev:a/b',
    'ssh://git@h.dev:99/a',
    'http://h:81/a/b.git',
    '/srv/x.git',
  ]) {
    const once = parseRepoUrl(text);
    assert.ok(once.kind === 'repo');
    assert.deepEqual(parseRepoUrl(once.url), once);
  }
});

test('a full commit id is taken, in lower case; anything else is refused', () => {
  assert.deepEqual(parseCommit('A'.repeat(40)), { kind: 'commit', commit: 'a'.repeat(40) });
  assert.equal(parseCommit('b'.repeat(64)).kind, 'commit');
  for (const text of ['', 'abc1234', 'HEAD', 'g'.repeat(40), 'a'.repeat(41), `${'a'.repeat(40)}\n`, '-'.repeat(40)]) {
    assert.equal(parseCommit(text).kind, 'fault', text);
  }
});

test('branch names follow the rules of git', () => {
  for (const name of ['main', 'feature/x', 'übung/日本', 'a.b', 'release-1.2', 'x'.repeat(250), '@x', 'a@b']) {
    assert.equal(branchFault(name), undefined, name);
  }
  for (const name of [
    '',
    '-x',
    '--upload-pack=x',
    'a b',
    'a..b',
    'a~1',
    'a^',
    'a:b',
    'a?',
    'a*',
    'a[b',
    'a\\b',
    '/a',
    'a/',
    'a//b',
    '.a',
    'a/.b',
    'a.lock',
    'a.',
    '@',
    'a@{1}',
    'a\u0001',
    'refs/heads/main',
  ]) {
    assert.ok(branchFault(name), name);
  }
});

test('the transport follows from the normalised URL', () => {
  for (const [url, transport] of [
    ['https://h/x', 'http'],
    ['http://h/x', 'http'],
    ['ssh://h/x', 'ssh'],
    ['git@h:x', 'ssh'],
    ['/x', 'local'],
  ]) {
    assert.equal(transportOf(url as RepoUrl), transport);
  }
});
