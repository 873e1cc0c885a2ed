import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Settings } from '../model/settings.ts';
import { parseSettings } from './parse.ts';

const REPO = 'config_repo = "https://git.example.com/acme/config.git"\n';

function settingsFrom(text: string, env: Record<string, string> = {}): Settings {
  const result = parseSettings(REPO + text, { file: '/srv/ms/mainspring.toml', env, cores: 8 });
  assert.ok(result.ok, JSON.stringify(result));
  return result.settings;
}

function errorsFrom(text: string, env: Record<string, string> = {}): readonly string[] {
  const result = parseSettings(text, { file: 'mainspring.toml', env, cores: 8 });
  assert.ok(!result.ok, 'there should be errors');
  return result.errors.map(
    ({ line, message, hint }) => `${line ?? '-'} ${message}${hint === null ? '' : ` | ${hint}`}`,
  );
}

test('a file that only names the config repo gives every default', () => {
  assert.deepEqual(settingsFrom(''), {
    configRepo: 'https://git.example.com/acme/config.git',
    branch: 'main',
    domain: 'localhost',
    envDomain: 'env.localhost',
    publicUrl: 'http://localhost:8080',
    listen: [{ host: '127.0.0.1', port: 8080 }],
    dataDir: '/srv/ms/data',
    pollIntervalMs: 30_000,
    retainMs: 604_800_000,
    gateway: {
      processes: 4,
      trustedProxies: [],
      proxyProtocol: 'off',
      sharedCookies: false,
      accessLog: null,
      crawlersWake: false,
      limits: {
        headerBytes: 32_768,
        targetBytes: 8_192,
        headerTimeoutMs: 10_000,
        hookBodyBytes: 5_242_880,
        connections: 10_000,
        peerConnections: 2_500,
        headerCount: 200,
        bodyTimeoutMs: 60_000,
      },
      upstream: { connections: 512, connectMs: 5_000, headMs: 120_000, idleMs: 1_900 },
    },
    engines: { process: 'off', docker: 'auto', onExit: 'keep', builds: null, memoryPressure: 0.9 },
    docker: {
      networks: '10.213.0.0/16',
      limits: { memoryBytes: 1_073_741_824, cpus: 1, pids: 512 },
      capabilities: [],
      binds: [],
      build: {
        builder: 'auto',
        timeoutMs: 600_000,
        bounds: { pids: 4096, memoryBytes: 4_294_967_296 },
        memoryBytes: null,
        cpus: null,
        httpProxy: null,
        httpsProxy: null,
        noProxy: null,
        caBundle: null,
      },
      maxDiskBytes: null,
      minFreeBytes: 1_073_741_824,
    },
    registries: {},
    proxy: { allow: [] },
    starlark: { timeoutMs: 10_000, memoryBytes: 268_435_456 },
    git: { localRoots: [] },
    gitAuth: {},
    status: { host: 'mainspring.localhost', tokenFile: null },
    hooks: {},
    notInEffect: [],
  });
});

test('what depends on the domain and the port follows them', () => {
  const settings = settingsFrom('domain = "Apps.Example.com"\nlisten = ["0.0.0.0:80", "[::]:80"]');
  assert.equal(settings.domain, 'apps.example.com');
  assert.equal(settings.envDomain, 'env.apps.example.com');
  assert.equal(settings.status.host, 'mainspring.apps.example.com');
  assert.equal(settings.publicUrl, 'http://apps.example.com');
  assert.deepEqual(settings.listen, [
    { host: '0.0.0.0', port: 80 },
    { host: '::', port: 80 },
  ]);
});

test('paths are taken from the folder of the file', () => {
  const settings = settingsFrom(`
    data_dir = "../state"
    git.local_roots = ["/srv/git", "repos"]
    [git_auth.acme]
    url_prefix = "https://git.example.com/"
    token_file = "secrets/token"
    [hooks.forge]
    secret_file = "/run/secret"`);
  assert.equal(settings.dataDir, '/srv/state');
  assert.deepEqual(settings.git.localRoots, ['/srv/git', '/srv/ms/repos']);
  assert.deepEqual(settings.gitAuth, {
    acme: {
      urlPrefix: 'https://git.example.com/',
      username: null,
      tokenFile: '/srv/ms/secrets/token',
      sshKeyFile: null,
    },
  });
  assert.deepEqual(settings.hooks, { forge: { secretFile: '/run/secret' } });
});

for (const [given, expected] of [
  ['https://git.example.com/a/b.git', 'https://git.example.com/a/b.git'],
  ['git@git.example.com:a/b.git', 'git@git.example.com:a/b.git'],
  ['ssh://git@git.example.com:2222/a/b', 'ssh://git@git.example.com:2222/a/b'],
  ['git.example.com/a/b', 'https://git.example.com/a/b'],
  ['./my.repo/x', '/srv/ms/my.repo/x'],
  ['../config.git', '/srv/config.git'],
  ['file:///srv/git/ab.git', '/srv/git/ab.git'],
  ['repos/config', '/srv/ms/repos/config'],
] as const) {
  test(`the config repo "${given}" is ${expected}`, () => {
    const text = `config_repo = "${given}"\ngit.local_roots = ["/srv"]`;
    const result = parseSettings(text, { file: '/srv/ms/mainspring.toml', env: {} });
    assert.ok(result.ok, JSON.stringify(result));
    assert.equal(result.settings.configRepo, expected);
  });
}

test('every error is reported, each with its line, its key and what was found', () => {
  const errors = errorsFrom(`${REPO}
brnach = "main"
listen = ":8080"
poll_interval = 30
[gateway]
processes = "x"
trusted_proxies = ["10.0.0.0/8", "home"]
[engine]
process = "all"
[engines]
process = "yes"
[git_auth.acme]
url_prefix = "https://git.example.com/"
[hooks.forge]
`);
  assert.deepEqual(errors, [
    '3 brnach: is no setting | Did you mean "branch"?',
    '4 listen: should be an address and a port such as "127.0.0.1:8080" or "[::1]:8080", got ":8080" | Write "127.0.0.1:8080" for this machine only, or "0.0.0.0:8080" for all of its IPv4 addresses.',
    '5 poll_interval: should be a duration such as "300ms", "5s", "10m", "2h" or "14d", got 30',
    '7 gateway.processes: should be a whole number from 1 to 64, got "x"',
    '8 gateway.trusted_proxies: entry 2 should be an IP address or a network such as "10.0.0.0/8", got "home"',
    '9 engine: is no setting | Did you mean "engines"?',
    '12 engines.process: should be "off", "prod" or "all", got "yes"',
    '13 git_auth.acme: should have either token_file or ssh_key_file, got neither',
    '15 hooks.forge: should have a secret_file | Without a secret anybody could send hints.',
  ]);
});

for (const [name, text, expected] of [
  ['an empty file', '', '- config_repo: is missing | "mainspring init REPO" writes a file that has it.'],
  [
    'a local repo outside of the local roots',
    'config_repo = "/srv/git/config"\n[git]\nlocal_roots = ["/srv/gi"]',
    '1 config_repo: is a folder of this machine, "/srv/git/config", which no local root holds | Name it, or a folder above it, in [git] local_roots.',
  ],
  [
    'a key in the wrong section',
    `${REPO}processes = 2`,
    '2 processes: is no setting | Did you mean "gateway.processes"?',
  ],
  [
    'a section that is a value',
    `${REPO}git_auth = "x"`,
    '2 git_auth: should be a section | Write [git_auth.NAME] and its keys below it.',
  ],
  [
    'a list of sections',
    `${REPO}[[gateway]]\nprocesses = 2`,
    '2 gateway: should be a section | Write [gateway] and its keys below it.',
  ],
  [
    'a status host that is the domain',
    `${REPO}domain = "a.example"\n[status]\nhost = "a.example"`,
    '4 status.host: should not be the domain of the apps, got "a.example" | A host of its own keeps apps from sharing its origin.',
  ],
  [
    'a status host within the zone',
    `${REPO}[status]\nhost = "x.env.localhost"`,
    '3 status.host: should be outside of the environments\' zone "env.localhost", got "x.env.localhost"',
  ],
  [
    'a zone that holds the domain',
    `${REPO}domain = "a.example"\nenv_domain = "example"`,
    '3 env_domain: should not hold the domain "a.example", got "example"',
  ],
  [
    'one address twice',
    `${REPO}listen = ["127.0.0.1:80", "127.0.0.1:80"]`,
    '2 listen: should name each address once, got 127.0.0.1 port 80 twice',
  ],
  [
    'a token for ssh',
    `${REPO}[git_auth.a]\nurl_prefix = "ssh://git@h/"\ntoken_file = "t"`,
    '3 git_auth.a.url_prefix: with token_file, url_prefix should be an https or http URL, got "ssh://git@h/"',
  ],
  [
    'a path with a tilde',
    `${REPO}data_dir = "~/data"`,
    '2 data_dir: should be a path, got "~/data" | "~" is not expanded here: write the path in full.',
  ],
  [
    'a branch that git would not take',
    `${REPO}branch = "a..b"`,
    '2 branch: should be the name of a branch, but it holds characters that no branch name may hold, got "a..b" | See `git help check-ref-format`.',
  ],
  [
    'a helper of git',
    'config_repo = "ext::x"',
    '1 config_repo: should be the URL or the path of a repo, but it names a transport helper, which can run commands, got "ext::x" | Use an https:// or ssh:// URL.',
  ],
  [
    'an entry of the proxy list that is none',
    `${REPO}[proxy]\nallow = ["10.0.0.0/99"]`,
    '3 proxy.allow: entry 1 should be an address, a network such as "10.0.0.0/8", a host name, one of these with ":PORT", or a Unix socket or a folder of them such as "unix:/run/grafana/", got "10.0.0.0/99"',
  ],
  [
    'a folder of sockets that is not plain',
    `${REPO}[proxy]\nallow = ["unix:/run/", "unix:/run/../tmp/"]`,
    '3 proxy.allow: entry 2 should be the absolute path of a Unix socket, or of a folder above it, such as "unix:/run/grafana/", got "unix:/run/../tmp/"',
  ],
] as const) {
  test(`${name} is refused`, () => assert.deepEqual(errorsFrom(text), [expected]));
}

test('a text that is no TOML is refused with the line', () => {
  const [error, ...rest] = errorsFrom(`${REPO}domain = "x\n`);
  assert.match(error ?? '', /^2 is no valid TOML: /);
  assert.deepEqual(rest, []);
});

test('a password in a URL is refused and not repeated', () => {
  for (const text of [
    'config_repo = "https://me:hunter2@git.example.com/a"',
    'config_repo = "https://hunter2@git.example.com/a"',
    `${REPO}[git_auth.a]\ntoken_file = "t"\nurl_prefix = "https://me:hunter2@git.example.com/"`,
  ]) {
    assert.doesNotMatch(errorsFrom(text).join(), /hunter2/);
  }
});

test('a variable of the environment wins over the file, converted to the type of its key', () => {
  const settings = settingsFrom(
    'domain = "a.example"\n[gateway]\nprocesses = "wrong"\n[git_auth.acme-corp]\nurl_prefix = "https://x.example/"',
    {
      MAINSPRING_DOMAIN: 'b.example',
      MAINSPRING_LISTEN: '127.0.0.1:0, [::1]:0',
      MAINSPRING_GATEWAY__PROCESSES: '2',
      MAINSPRING_GATEWAY__SHARED_COOKIES: 'true',
      MAINSPRING_GATEWAY__LIMITS__HEADERS: '64k',
      MAINSPRING_GIT__LOCAL_ROOTS: '',
      MAINSPRING_GIT_AUTH__ACME_CORP__TOKEN_FILE: 'token',
      MAINSPRING_HOOKS__FORGE__SECRET_FILE: 'secret',
      MAINSPRING_INTERNAL_ROLE: 'gateway',
      PATH: '/bin',
    },
  );
  assert.equal(settings.domain, 'b.example');
  assert.deepEqual(settings.listen, [
    { host: '127.0.0.1', port: 0 },
    { host: '::1', port: 0 },
  ]);
  assert.equal(settings.gateway.processes, 2);
  assert.equal(settings.gateway.sharedCookies, true);
  assert.equal(settings.gateway.limits.headerBytes, 65_536);
  assert.equal(settings.gitAuth['acme-corp']?.tokenFile, '/srv/ms/token');
  assert.equal(settings.hooks.forge?.secretFile, '/srv/ms/secret');
});

test('a variable that is wrong or no key is an error that names the variable', () => {
  const env = { MAINSPRING_GATEWAY__PROCESES: '2', MAINSPRING_DOMAIN: 'a b', MAINSPRING_HOME: '/x' };
  assert.deepEqual(errorsFrom(REPO, env), [
    '- MAINSPRING_GATEWAY__PROCESES: is no setting | Did you mean MAINSPRING_GATEWAY__PROCESSES?',
    '- MAINSPRING_HOME: is no setting | Keys of a section are written MAINSPRING_SECTION__KEY.',
    '- MAINSPRING_DOMAIN: should be a host name such as "apps.example.com", got "a b"',
  ]);
});

test('sections of later versions are accepted and named', () => {
  const settings = settingsFrom('[forge.hub]\nurl = "x"');
  assert.deepEqual(settings.notInEffect, ['[forge.hub]']);
});

for (const [said, expected] of [
  ['"75%"', 0.75],
  ['"off"', null],
] as const) {
  test(`engines.memory_pressure = ${said} is taken`, () => {
    assert.equal(settingsFrom(`[engines]\nmemory_pressure = ${said}`).engines.memoryPressure, expected);
  });
}

for (const [said, expected] of [
  ['1', 1],
  ['64', 64],
] as const) {
  test(`engines.builds = ${said} is taken`, () => {
    assert.equal(settingsFrom(`[engines]\nbuilds = ${said}`).engines.builds, expected);
  });
}

for (const said of ['0', '65', '1.5', '"many"']) {
  test(`engines.builds = ${said} is refused`, () => {
    assert.match(
      errorsFrom(`${REPO}[engines]\nbuilds = ${said}\n`).join(),
      /engines\.builds: should be a whole number from 1 to 64, got /,
    );
  });
}

for (const said of ['"100%"', '"5%"', '0.9', '"90"']) {
  test(`engines.memory_pressure = ${said} is refused`, () => {
    assert.match(
      errorsFrom(`${REPO}[engines]\nmemory_pressure = ${said}\n`).join(),
      /engines\.memory_pressure: should be "off" or a share of the memory from "10%" to "99%", got /,
    );
  });
}

test('equal texts give equal settings, and keys may be written in any of the ways of TOML', () => {
  const dotted = settingsFrom('gateway.limits.connections = 100\nhooks."a".secret_file = "s"');
  const inline = settingsFrom('gateway = { limits = { connections = 100 } }\nhooks = { a = { secret_file = "s" } }');
  assert.deepEqual(dotted, inline);
});

test('what containers may use and where their images come from is read, paths made absolute', () => {
  const { docker, registries } = settingsFrom(
    `[docker]
networks = "10.99.0.0/18"
memory = "512m"
cpus = 0.5
capabilities = ["cap_sys_ptrace"]
binds = ["shared"]
builder = "classic"
max_disk = "20g"
[registry.acme]
host = "Registry.Internal:5000"
username = "u"
password_file = "p"`,
  );
  assert.equal(docker.networks, '10.99.0.0/18');
  assert.deepEqual(docker.limits, { memoryBytes: 536_870_912, cpus: 0.5, pids: 512 });
  assert.deepEqual([docker.capabilities, docker.binds], [['SYS_PTRACE'], ['/srv/ms/shared']]);
  assert.deepEqual([docker.build.builder, docker.maxDiskBytes], ['classic', 21_474_836_480]);
  assert.deepEqual(registries.acme, { host: 'registry.internal:5000', username: 'u', passwordFile: '/srv/ms/p' });
});

for (const [text, message] of [
  ['networks = "8.8.0.0/16"', 'docker.networks: should be a range of private IPv4 addresses'],
  ['networks = "10.0.0.1/16"', 'docker.networks: should be a range of private IPv4 addresses'],
  ['cpus = 0', 'docker.cpus: should be a number from 0.01'],
  ['capabilities = ["ALL"]', 'docker.capabilities'],
  ['http_proxy = "http://me:secret@proxy:1"', 'without user name and password'],
] as const) {
  test(`[docker] ${text.split(' ')[0]} is refused where it can do no good: ${text}`, () => {
    const [error = ''] = errorsFrom(`${REPO}\n[docker]\n${text}`);
    assert.ok(error.includes(message) && !error.includes('secret'), error);
  });
}

test('a registry without host, user name or password file is an error', () => {
  assert.equal(errorsFrom(`${REPO}\n[registry.acme]\nhost = "ghcr.io"`).length, 2);
});
