import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Value } from 'starlark-wasm';
import { appCall } from '../../test/support/config.ts';
import { fc } from '../../test/support/properties.ts';
import { canonicalJson } from '../model/canonical.ts';
import { readBuiltinSpecs } from '../specs/builtin-specs.ts';
import { specTable } from '../specs/spec-table.ts';
import { checkApp } from './check-app.ts';

const SPEC_TABLE = specTable(readBuiltinSpecs());

type Args = Readonly<Record<string, Value>>;
const base: Args = { path: '/x', source: 'github.com/acme/x' };
const procfile: Args = { ...base, spec: 'procfile' };

function declared(args: Args) {
  const { app, errors } = checkApp(appCall(args), SPEC_TABLE);
  assert.deepEqual(errors, []);
  assert.ok(app.declaration);
  return app.declaration;
}

function messages(args: Args): string[] {
  return checkApp(appCall(args), SPEC_TABLE).errors.map(({ message, hint }) =>
    hint === null ? message : `${message} | ${hint}`,
  );
}

test('an app of path and source alone has every default', () => {
  assert.deepEqual(declared(base), {
    id: '/x',
    route: { host: '', path: '/x' },
    source: { kind: 'repo', url: 'https://github.com/acme/x', folder: '' },
    spec: 'auto',
    gitBranch: null,
    gitCommit: null,
    gitAuth: null,
    params: {},
    containerOpts: {},
    containerArgs: {},
    containerVols: [],
    appConfig: {},
    stage: true,
    previews: true,
    promote: 'on_merge',
    strategy: 'blue_green',
    stripPath: null,
    slash: null,
    health: {},
    idle: null,
    limits: {},
    verify: true,
    position: { file: 'apps.star', line: 1, column: 1 },
    notInEffect: [],
  });
});

const sha = 'a'.repeat(40);
for (const [name, args, expected] of [
  ['a folder of the config repo', { source: './apps/wiki/' }, { source: { kind: 'config', folder: 'apps/wiki' } }],
  [
    'a proxy without a source',
    { source: '-', spec: 'proxy', params: { url: 'http://10.0.0.1:80/x' } },
    { source: { kind: 'none' } },
  ],
  [
    'a proxy to a Unix socket',
    { source: '-', spec: 'proxy', params: { url: 'unix:/run/grafana/http.sock:/base' } },
    { params: { url: 'unix:/run/grafana/http.sock:/base' } },
  ],
  [
    'a host in any case',
    { path: 'Wiki.Example.com:/' },
    { route: { host: 'wiki.example.com', path: '/' }, id: 'wiki.example.com:/' },
  ],
  ['an id', { id: 'sales-2' }, { id: 'sales-2' }],
  [
    'branch, pin and credential',
    { git_branch: 'rel/1', git_commit: sha, git_auth: 'acme' },
    { gitBranch: 'rel/1', gitCommit: sha, gitAuth: 'acme' },
  ],
  [
    'a health of which all is given',
    { health: { path: '/h', expect: 204, interval: '500ms', timeout: '2m' } },
    { health: { path: '/h', expect: 204, intervalMs: 500, timeoutMs: 120_000 } },
  ],
  ['verify as one path', { verify: '/a' }, { verify: ['/a'], notInEffect: [] }],
  ['verify off', { verify: false }, { verify: false, notInEffect: [] }],
  ['idle as a duration', { idle: '30m' }, { idle: { pauseMs: null, stopMs: 1_800_000 } }],
  ['idle as two durations', { idle: { stop: '1h', pause: '5m' } }, { idle: { pauseMs: 300_000, stopMs: 3_600_000 } }],
  [
    'how what is new starts',
    { idle: { start: 'asleep' } },
    { idle: { pauseMs: null, stopMs: null, startsAsleep: true } },
  ],
  [
    'that it starts awake, as by default',
    { idle: { start: 'awake', stop: '1h' } },
    { idle: { pauseMs: null, stopMs: 3_600_000 } },
  ],
  [
    'limits',
    { limits: { body: '10m', requests: 50, queue: 0, drain: '1m' } },
    { limits: { bodyBytes: 10_485_760, requests: 50, queue: 0, drainMs: 60_000 } },
  ],
  ['limits of another environment', { stage: { limits: { requests: 2 } } }, { stage: { limits: { requests: 2 } } }],
  ['never idle', { idle: false }, { idle: false }],
  [
    'overrides of stage',
    {
      spec: 'procfile',
      stage: { params: { A: '1' }, container_opts: { memory: '1g' }, idle: false, health: { path: '/s' } },
    },
    {
      stage: { params: { A: '1' }, containerOpts: { memory: '1g' }, idle: false, health: { path: '/s' } },
    },
  ],
  ['no previews', { previews: false }, { previews: false, notInEffect: [] }],
  [
    'promotion by pin, and replacing',
    { promote: 'pinned', git_commit: sha, strategy: 'replace' },
    { promote: 'pinned', gitCommit: sha, strategy: 'replace', notInEffect: [] },
  ],
  [
    'volumes and build arguments',
    { container_vols: ['data:/data'], container_args: { V: 1 } },
    { containerVols: ['data:/data'], containerArgs: { V: 1 }, notInEffect: [] },
  ],
  [
    'files of the source for an image of a registry',
    {
      ...{ source: './conf', spec: 'image', app_config: { image: 'nginx:1.27' } },
      container_vols: ['./site.conf:/etc/nginx/conf.d/default.conf'],
    },
    { source: { kind: 'config', folder: 'conf' }, containerVols: ['./site.conf:/etc/nginx/conf.d/default.conf'] },
  ],
  [
    'options of auto, which may become any spec',
    { container_opts: { memory: '512m', cpus: 0.5, pids: 10 }, app_config: { build: 'make', index: 'a/b.html' } },
    { containerOpts: { cpus: 0.5, memory: '512m', pids: 10 }, appConfig: { build: 'make', index: 'a/b.html' } },
  ],
  [
    'params of all shapes',
    { spec: 'procfile', params: { S: 's', N: 1.5, B: true, L: [1, null], D: { k: [] } } },
    { params: { S: 's', N: 1.5, B: true, L: [1, null], D: { k: [] } } },
  ],
  [
    'None, which counts as not given',
    { id: null, git_branch: null, params: null, health: null, verify: null },
    { id: '/x', gitBranch: null, params: {} },
  ],
  ['auth = "none"', { auth: 'none' }, {}],
  ['strip_path', { strip_path: false }, { stripPath: false }],
  ['slash', { slash: true }, { slash: true }],
  ['slash of files, which have it anyway', { spec: 'static', slash: true }, { slash: true }],
] as const) {
  test(`app() takes ${name}`, () => {
    const app = declared({ ...base, ...args } as Args);
    const part = Object.fromEntries(Object.keys(expected).map((key) => [key, app[key as keyof typeof app]]));
    assert.deepEqual(part, expected);
  });
}

for (const [args, expected] of [
  [{ path: '/x/' }, ['app "/x/": path: empty segments and a slash at the end are not allowed']],
  [
    { path: 'a:8080:/' },
    ['app "a:8080:/": path: expected a path that starts with "/" | A route has no port: [domain:]path.'],
  ],
  [{ path: 3 }, ['app(): path: expected a route such as "/tools/sales", got 3']],
  [
    { source: 'https://bob:hunter2@git.acme.dev/x' },
    [
      'app "/x": source: holds a credential | Put it into a [git_auth.NAME] section of the settings, bound to a url_prefix.',
    ],
  ],
  [
    { source: '-' },
    [
      'app "/x": source: spec "auto" needs one, got "-" | Name a spec that needs none, such as spec = "proxy", or give a source.',
    ],
  ],
  [
    { spec: 'proxy', params: { url: 'https://a.example' } },
    ['app "/x": source: spec "proxy" takes none: expected "-"'],
  ],
  [
    { source: './conf', spec: 'image', app_config: { image: 'nginx:1.27' }, container_vols: ['data:/data'] },
    ['app "/x": source: spec "image" takes none: expected "-"'],
  ],
  [
    { source: '-', spec: 'image', app_config: { image: 'nginx:1.27' }, container_vols: ['./a:/a'] },
    ['app "/x": container_vols: "./a" is a path of the source, and there is none ("-")'],
  ],
  [
    { spec: 'proxy', source: '-' },
    ['app "/x": params: needs "url" | For example {"url": "https://docs.example.com"}.'],
  ],
  [
    { spec: 'proxy', source: '-', params: { url: 'ftp://a' } },
    ['app "/x": params.url: expected a URL with http://, https:// or unix:, got "ftp://a"'],
  ],
  [
    { spec: 'proxy', source: '-', params: { url: 'unix:run/http.sock' }, stage: { params: { url: 'unix:/a/../b' } } },
    [
      'app "/x": params.url: expected the absolute path of a socket, without ":", empty, "." and ".." segments, such as "unix:/run/grafana/http.sock", got "unix:run/http.sock"',
      'app "/x": stage.params.url: expected the absolute path of a socket, without ":", empty, "." and ".." segments, such as "unix:/run/grafana/http.sock", got "unix:/a/../b"',
    ],
  ],
  [
    { spec: 'proxy', source: '-', params: { url: 'http://a', urll: 'http://b' } },
    ['app "/x": params: unknown name "urll" | Did you mean "url"?'],
  ],
  [{ spec: 'statik' }, ['app "/x": spec: unknown spec "statik" | Did you mean "static"?']],
  [
    { spec: 'statik', container_opts: { anything: 1 }, stage: { container_opts: { goes: 1 } } },
    ['app "/x": spec: unknown spec "statik" | Did you mean "static"?'],
  ],
  [{ spec: 'static', params: { A: 1 } }, ['app "/x": params: unknown name "A" | Spec "static" takes none.']],
  [{ id: 'Sales' }, ['app "/x": id: expected a name of at most 40 characters a-z, 0-9 and "-", got "Sales"']],
  [
    { git_branch: 'refs/heads/main' },
    ['app "/x": git_branch: "refs/heads/main" should be the name alone | Write "main".'],
  ],
  [
    { git_branch: '--upload-pack=x' },
    ['app "/x": git_branch: "--upload-pack=x" starts with "-", which git takes for an option'],
  ],
  [
    { git_commit: 'abc123' },
    [
      'app "/x": git_commit: "abc123" should be the full id of a commit, 40 (or 64) hex digits | See `git rev-parse HEAD`.',
    ],
  ],
  [
    { git_auth: 'a b' },
    ['app "/x": git_auth: expected the name of a credential in the settings ([git_auth.NAME]), got "a b"'],
  ],
  [
    { source: './a', git_branch: 'main' },
    [
      'app "/x": git_branch: only an app whose source is a repo has one | A folder of the config repo is taken from the same commit as the config itself.',
    ],
  ],
  [{ params: ['A'] }, ['app "/x": params: expected a dict such as {"BUCKET": "reports"}, got a list']],
  [
    { params: { 'A-B': 1 } },
    [
      'app "/x": params: "A-B" can\'t be the name of an environment variable | Names are letters, digits and "_", and do not begin with a digit.',
    ],
  ],
  [
    { params: { MAINSPRING_X: 1 } },
    [
      'app "/x": params: "MAINSPRING_X" is reserved: Mainspring sets it | Reserved are PORT, APP_URL, APP_PATH, APP_ENV, APP_DATA and all that begin with MAINSPRING_.',
    ],
  ],
  [
    { params: { A: null } },
    [
      'app "/x": params.A: expected a string, a number, a bool, a list or a dict, got None | Leave the name out instead.',
    ],
  ],
  [
    { params: { A: 'a\0b' } },
    ['app "/x": params.A: a string holds a NUL character, which no environment variable can'],
  ],
  [
    { params: { A: [{ b: { $builtin: 'secret', args: { name: 'S' } } }] } },
    [
      'app "/x": params.A: secrets do not exist yet | References to secrets come with a later version; do not write the secret itself into git.',
    ],
  ],
  [
    { id: { $builtin: 'secret', args: { name: 'S' } } },
    ['app "/x": id: expected a name of at most 40 characters a-z, 0-9 and "-", got secret(…)'],
  ],
  [
    { ...procfile, container_opts: { memory: 512 } },
    ['app "/x": container_opts.memory: expected a size such as "512m" or "2g", got 512'],
  ],
  [
    { ...procfile, container_opts: { memory: '1k' } },
    ['app "/x": container_opts.memory: expected at least "4m", got "1k" | Units are k, m and g.'],
  ],
  [
    { ...procfile, container_opts: { cpus: '2', pids: 0 } },
    [
      'app "/x": container_opts.cpus: expected a number of at least 0.01, got "2" | Write it without quotes.',
      'app "/x": container_opts.pids: expected a whole number of at least 1, got 0',
    ],
  ],
  [
    { ...procfile, container_opts: { memroy: '1g' } },
    ['app "/x": container_opts: unknown name "memroy" | Did you mean "memory"?'],
  ],
  [
    { ...procfile, app_config: { build: ' ' } },
    ['app "/x": app_config.build: expected a command on one line, got " "'],
  ],
  [
    { spec: 'static', app_config: { index: '../x' } },
    ['app "/x": app_config.index: expected a path below the source folder such as "public/index.html", got "../x"'],
  ],
  [
    { container_args: { 'A-B': 1 } },
    ['app "/x": container_args: "A-B" can\'t be the name of a build argument | Names are letters, digits and "_".'],
  ],
  [{ container_args: { A: [] } }, ['app "/x": container_args.A: expected a string, a number or a bool, got a list']],
  [
    { container_vols: ['a:/b:ro', '/srv/a:/b', 3, 'a', 'a:b', '../a:/b', 'a:/', '/a/../b:/c', 'a:/b:rw'] },
    [2, 3, 4, 5, 6, 7, 8].map(
      (index) =>
        `app "/x": container_vols[${index}]: expected a volume such as "data:/var/lib/app", "./app.toml:/etc/app.toml", "/srv/files:/files" or "/srv/files:/files:ro", got ${[3, '"a"', '"a:b"', '"../a:/b"', '"a:/"', '"/a/../b:/c"', '"a:/b:rw"'][index - 2]}`,
    ),
  ],
  [{ stage: 'no' }, ['app "/x": stage: expected True, False or a dict such as {"params": {…}}, got "no"']],
  [
    { stage: { helth: {}, idle: 'x' } },
    [
      'app "/x": stage: unknown key "helth" | Did you mean "health"?',
      'app "/x": stage.idle: expected a duration such as "300ms", "5s", "10m", "2h" or "14d", got "x"',
    ],
  ],
  [
    { promote: 'pinned' },
    [
      'app "/x": promote: "pinned" needs git_commit | Name the commit that production is to run; stage and previews follow the branch.',
    ],
  ],
  [
    { promote: 'onmerge' },
    ['app "/x": promote: expected "on_merge" or "pinned", got "onmerge" | Did you mean "on_merge"?'],
  ],
  [{ strategy: true }, ['app "/x": strategy: expected "blue_green" or "replace", got True']],
  [{ strip_path: 1 }, ['app "/x": strip_path: expected True or False, got 1']],
  [{ slash: 'yes' }, ['app "/x": slash: expected True or False, got "yes"']],
  [
    { spec: 'static_single', slash: false },
    [
      'app "/x": slash: spec "static_single" always leads its bare path to the one with a slash: expected True, got False',
    ],
  ],
  [
    { health: { expect: '200' } },
    ['app "/x": health.expect: expected a whole number from 100 to 599, got "200" | Write it without quotes.'],
  ],
  [{ health: { interval: '2m' } }, ['app "/x": health: "timeout" (1m) is shorter than "interval" (2m)']],
  [{ health: { path: 'healthz' } }, ['app "/x": health.path: expected a path such as "/healthz", got "healthz"']],
  [
    { limits: { body: '1b', requests: 0, quue: 1, drain: '2d' } },
    [
      'app "/x": limits.body: expected a size such as "512m" or "2g", got "1b"',
      'app "/x": limits.drain: expected at most "1d", got "2d"',
      'app "/x": limits: unknown key "quue" | Did you mean "queue"?',
      'app "/x": limits.requests: expected a whole number from 1 to 100000, got 0',
    ],
  ],
  [{ limits: { body: '2t' } }, ['app "/x": limits.body: expected a size such as "512m" or "2g", got "2t"']],
  [{ limits: { body: '2048g' } }, ['app "/x": limits.body: expected "1k" to "1024g", got "2048g"']],
  [
    { idle: true },
    [
      'app "/x": idle: expected False, a duration such as "30m" or {"pause": "5m", "stop": "30m"}, got True | Leave it out for the default.',
    ],
  ],
  [
    { idle: { pause: '1h', stop: '5m' } },
    ['app "/x": idle: "stop" is shorter than "pause" | An app is paused first and stopped later.'],
  ],
  [{ verify: ['/a', 'b'] }, ['app "/x": verify[1]: expected a path such as "/healthz", got "b"']],
  [
    { auth: 'oidc' },
    [
      'app "/x": auth: sign-in does not exist yet: expected "none", got "oidc" | Leave it out, and keep the gateway where only the right people reach it.',
    ],
  ],
  [
    { auth: '' },
    [
      'app "/x": auth: sign-in does not exist yet: expected "none", got "" | Leave it out, and keep the gateway where only the right people reach it.',
    ],
  ],
] as const) {
  test(`app(${JSON.stringify(args)}) is refused with words that help`, () => {
    assert.deepEqual(messages({ ...base, ...args } as Args), expected);
  });
}

test('what app() is called with but does not know is named with the nearest name, or with what to do instead', () => {
  const problem = (name: string) =>
    ({ kind: 'unknown', name, message: '', at: { file: 'apps.star', line: 3, column: 9 } }) as const;
  const call = {
    ...appCall(base),
    problems: ['git_brnch', 'dev', 'stage_at', 'bindings', 'config', 'zzzzzz'].map(problem),
  };
  const { errors } = checkApp(call, SPEC_TABLE);
  assert.deepEqual(
    errors.map(({ hint }) => hint?.slice(0, 40)),
    [
      'Did you mean "git_branch"?',
      'There is no dev mode: push a branch and ',
      'Every app has a stage at a host of its o',
      'Bindings to services do not exist yet: h',
      'Write the value into params or app_confi',
      'app() takes path, source, id, spec, git_',
    ],
  );
  assert.deepEqual(errors[0], {
    code: 'config-invalid',
    file: 'apps.star',
    line: 3,
    column: 9,
    message: 'app "/x": unknown argument "git_brnch"',
    hint: 'Did you mean "git_branch"?',
  });
});

test('an error stands at the argument that is wrong', () => {
  const { errors } = checkApp(appCall({ ...base, id: 'ok', idle: 3 }), SPEC_TABLE);
  assert.deepEqual([errors[0]?.line, errors[0]?.column], [4, 5]);
});

test('equal apps are equal to the byte, whatever the order of arguments and keys, and frozen', () => {
  const entries: [string, Value][] = Object.entries({
    ...procfile,
    params: { B: { y: 1, x: [{ b: 1, a: 2 }] }, A: '1' },
    container_opts: { memory: '1g', cpus: 1 },
    health: { timeout: '1m', path: '/h' },
    stage: { params: { Z: 1, A: 2 }, idle: false },
  });
  const text = (args: Args) => JSON.stringify({ ...declared(args), position: null });
  const expected = text(Object.fromEntries(entries));
  const shuffled = (value: Value, seed: number): Value => {
    if (Array.isArray(value)) return value.map((item: Value) => shuffled(item, seed));
    if (typeof value !== 'object' || value === null) return value;
    const rest = Object.entries(value);
    const order = rest.map((entry, index) => [(index * 7 + seed * 13) % 11, entry] as const).sort(([a], [b]) => a - b);
    return Object.fromEntries(order.map(([, [key, item]]) => [key, shuffled(item, seed)]));
  };
  fc.assert(
    fc.property(fc.nat(10_000), (seed) => {
      assert.equal(text(shuffled(Object.fromEntries(entries), seed) as Args), expected);
    }),
    { numRuns: 50 },
  );
  const app = declared(Object.fromEntries(entries));
  assert.ok(Object.isFrozen(app) && Object.isFrozen(app.params) && Object.isFrozen(app.params.B));
  assert.ok(canonicalJson(app).length > 100);
});

test('no value makes the check itself fail, and what is refused has a message', () => {
  const value = fc.letrec<{ value: Value }>((tie) => ({
    value: fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc.double({ noNaN: true }),
      fc.string(),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.string(), tie('value'), { maxKeys: 3 }),
    ),
  })).value;
  const name = fc.constantFrom(
    'path',
    'source',
    'id',
    'spec',
    'git_branch',
    'params',
    'container_opts',
    'app_config',
    'stage',
    'health',
    'idle',
    'verify',
    'auth',
    'container_vols',
  );
  fc.assert(
    fc.property(fc.dictionary(name, value), (args) => {
      const { app, errors } = checkApp(appCall({ ...base, ...args }), SPEC_TABLE);
      assert.equal(app.declaration === null, errors.length > 0);
      for (const { message } of errors) assert.match(message, /^app( "|\(\)).*: /s);
    }),
    { numRuns: 300 },
  );
});
