import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { MainspringError } from '../model/errors.ts';
import { NO_TOTALS } from '../model/gateway-counts.ts';
import type {
  AuditFilter,
  AuditLine,
  ExplainQuery,
  Explanation,
  LogsQuery,
  PlanDocument,
  Status,
  SurfaceLogLine,
} from '../model/surface.ts';
import type { StatusDeps, StatusPorts } from './api.ts';
import { instanceTiers, type MetricTotals } from './metrics-text.ts';
import { startStatusServer } from './server.ts';

const STATUS: Status = {
  version: '0.1.0',
  config: { repo: '/r', branch: 'main', commit: null, accepted: null, planned: null, errors: [] },
  settled: true,
  environments: [],
  releases: [],
  sources: [],
  audit: { head: `0:${'0'.repeat(64)}` },
};

function auditLine(id: number): AuditLine {
  const cause = { kind: 'bootstrap' } as const;
  return {
    id,
    at: '2026-01-01T00:00:00.000Z',
    kind: 'config.accepted',
    env: null,
    app: null,
    cause,
    detail: {},
    prev: '',
    hash: '',
  };
}

/** Ports that note what they were asked for. */
class FakePorts implements StatusPorts {
  readonly asked: unknown[] = [];
  gone: AbortSignal | null = null;

  async status(about: { readonly commit: string | null }): Promise<Status> {
    this.asked.push(about);
    return STATUS;
  }

  async planFor({ ref }: { readonly ref: string | null }): Promise<PlanDocument> {
    throw new MainspringError('git-ref-missing', `no ref "${ref}"`, { hint: 'Name a branch.' });
  }

  async *audit(filter: AuditFilter): AsyncIterable<AuditLine> {
    this.asked.push(filter);
    if (filter.app === 'broken') throw new Error('a secret of the inside');
    yield auditLine(1);
    yield auditLine(2);
    if (filter.app === 'breaks') throw new Error('later');
  }

  async metrics(): Promise<MetricTotals> {
    return { ...NO_TOTALS, wakes: [], instances: instanceTiers([]) };
  }

  async logs(query: LogsQuery, signal: AbortSignal): Promise<AsyncIterable<SurfaceLogLine>> {
    if (query.app === 'none') throw new MainspringError('not-found', 'no app "none"');
    this.asked.push(query);
    this.gone = signal;
    return (async function* () {
      yield { at: null, stream: 'stdout', text: 'hello' } as const;
      if (query.follow) await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    })();
  }

  async tip(options: { readonly env: string | null }): Promise<string> {
    this.asked.push(options);
    return 'a'.repeat(40);
  }

  async explain(query: ExplainQuery): Promise<Explanation> {
    if (query.app === 'none') throw new MainspringError('not-found', 'no app "none"');
    this.asked.push(query);
    return { app: query.app, environments: [] };
  }
}

interface Running {
  readonly ports: FakePorts;
  readonly faults: string[];
  readonly folder: string;
  readonly ask: (path: string, headers?: Record<string, string>, method?: string) => Promise<Answer>;
  readonly socketPath: string;
}

interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
  readonly code: string | undefined;
}

async function startForTest(
  t: TestContext,
  settings: { trustedProxies?: string[]; token?: string } = {},
): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), 'ms-status-'));
  t.after(() => rm(folder, { recursive: true }));
  const tokenFile = settings.token === undefined ? null : join(folder, 'token');
  if (tokenFile !== null) await writeFile(tokenFile, `${settings.token}\n`);
  const ports = new FakePorts();
  const faults: string[] = [];
  const deps: StatusDeps = {
    ports,
    settings: () => ({
      status: { host: 'mainspring.localhost', tokenFile },
      gateway: {
        processes: 1,
        sharedCookies: false,
        accessLog: null,
        crawlersWake: false,
        trustedProxies: settings.trustedProxies ?? [],
        proxyProtocol: 'off',
        upstream: { connections: 1, connectMs: 1, headMs: 1, idleMs: 1 },
        limits: {
          headerBytes: 1,
          targetBytes: 1,
          headerTimeoutMs: 1,
          hookBodyBytes: 1,
          connections: 1,
          peerConnections: 100_000,
          headerCount: 1_000,
          bodyTimeoutMs: 60_000,
        },
      },
    }),
    onFault: (message) => faults.push(message),
  };
  const socketPath = join(folder, 'run', 'status.sock');
  const server = await startStatusServer(socketPath, deps);
  t.after(() => server.close());
  return {
    ports,
    faults,
    folder,
    socketPath,
    ask: (path, headers, method) => ask(socketPath, { path, headers, method }),
  };
}

const NEAR = { host: 'mainspring.localhost:8080', 'x-mainspring-peer': '127.0.0.1' };

async function ask(
  socketPath: string,
  {
    path,
    headers = NEAR,
    method = 'GET',
  }: { path: string; headers?: Record<string, string> | undefined; method?: string | undefined },
): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, path, headers, method }, async (response) => {
      try {
        const body = await text(response);
        const isJson = response.headers['content-type']?.startsWith('application/json') && body !== '';
        const code = isJson ? JSON.parse(body).error?.code : undefined;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body, code });
      } catch (error) {
        reject(error);
      }
    });
    outgoing.on('error', reject).end();
  });
}

test('status is answered as JSON that nobody keeps or frames', async (t) => {
  const { ask, ports } = await startForTest(t);
  const answer = await ask(`/api/v1/status?commit=${'b'.repeat(40)}`);
  assert.equal(answer.status, 200);
  assert.deepEqual(JSON.parse(answer.body), STATUS);
  assert.deepEqual(ports.asked, [{ commit: 'b'.repeat(40) }]);
  assert.equal(answer.headers['cache-control'], 'no-store');
  assert.equal(answer.headers['x-content-type-options'], 'nosniff');
  assert.match(String(answer.headers['content-security-policy']), /frame-ancestors 'none'/);
  assert.equal(answer.headers['x-powered-by'], undefined);
  assert.equal(answer.headers['access-control-allow-origin'], undefined);
});

test('nobody but this user can open the folder of the socket', async (t) => {
  const { socketPath } = await startForTest(t);
  assert.equal((await stat(join(socketPath, '..'))).mode & 0o777, 0o700);
});

for (const [name, headers, path, expected] of [
  ['another host', { ...NEAR, host: 'apps.localhost:8080' }, '/api/v1/status', 421],
  ['a host that only begins so', { ...NEAR, host: 'mainspring.localhost.evil.example' }, '/api/v1/status', 421],
  ['the host with another port and in capitals', { ...NEAR, host: 'MAINSPRING.localhost.:99' }, '/api/v1/status', 200],
  ['a page of another site', { ...NEAR, 'sec-fetch-site': 'cross-site' }, '/api/v1/status', 403],
  ['an app on the same domain', { ...NEAR, 'sec-fetch-site': 'same-site' }, '/api/v1/status', 403],
  ['a page of its own', { ...NEAR, 'sec-fetch-site': 'same-origin' }, '/api/v1/status', 200],
  ['an address that was typed', { ...NEAR, 'sec-fetch-site': 'none' }, '/api/v1/status', 200],
  [
    'a link on another site to the first page',
    { ...NEAR, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
    '/',
    200,
  ],
  [
    'a link on another site to the API',
    { ...NEAR, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
    '/api/v1/status',
    403,
  ],
  ['a peer elsewhere', { ...NEAR, 'x-mainspring-peer': '192.0.2.7' }, '/api/v1/status', 401],
  ['a peer that is not known', { host: NEAR.host }, '/api/v1/status', 401],
  ['a peer on IPv6 loopback', { ...NEAR, 'x-mainspring-peer': '::1' }, '/api/v1/status', 200],
  ['a peer on mapped loopback', { ...NEAR, 'x-mainspring-peer': '::ffff:127.0.0.1' }, '/api/v1/status', 200],
  [
    'a peer whose name looks like loopback',
    { ...NEAR, 'x-mainspring-peer': '127.0.0.1.example' },
    '/api/v1/status',
    401,
  ],
] as const) {
  test(`${name} gets ${expected}`, async (t) => {
    const { ask, ports } = await startForTest(t);
    const answer = await ask(path, headers);
    assert.equal(answer.status, expected);
    if (expected !== 200) {
      assert.equal(answer.code, 'not-permitted');
      assert.deepEqual(ports.asked, []);
    }
  });
}

test('a peer elsewhere is answered with the token, and with the new one once the file changed', async (t) => {
  const { ask, folder } = await startForTest(t, { token: 'first' });
  const statusWith = async (token: string) =>
    (await ask('/api/v1/status', { ...NEAR, 'x-mainspring-peer': '192.0.2.7', authorization: `Bearer ${token}` }))
      .status;
  assert.equal(await statusWith('first'), 200);
  assert.equal(await statusWith('second'), 401);
  await writeFile(join(folder, 'token'), 'second');
  assert.equal(await statusWith('first'), 401);
  assert.equal(await statusWith('second'), 200);
});

test('behind a trusted proxy loopback is not enough', async (t) => {
  const { ask } = await startForTest(t, { trustedProxies: ['127.0.0.1'], token: 'secret' });
  assert.equal((await ask('/api/v1/status')).status, 401);
  assert.equal((await ask('/api/v1/status', { ...NEAR, authorization: 'Bearer secret' })).status, 200);
});

test('an empty token file lets nobody in and is told once', async (t) => {
  const { ask, faults } = await startForTest(t, { token: '' });
  const far = { ...NEAR, 'x-mainspring-peer': '192.0.2.7', authorization: 'Bearer x' };
  assert.equal((await ask('/api/v1/status', far)).status, 401);
  assert.equal((await ask('/api/v1/status', far)).status, 401);
  assert.equal(faults.length, 1);
});

test('only GET and HEAD are answered', async (t) => {
  const { ask, ports } = await startForTest(t);
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    const answer = await ask('/api/v1/status', NEAR, method);
    assert.equal(answer.status, 405, method);
    assert.equal(answer.headers.allow, 'GET, HEAD');
  }
  assert.deepEqual(ports.asked, []);
  const head = await ask('/api/v1/audit', NEAR, 'HEAD');
  assert.deepEqual([head.status, head.body], [200, '']);
});

for (const [path, status, code] of [
  ['/api/v1/plan?dir=/etc', 400, 'usage'],
  ['/api/v1/plan?ref=--upload-pack', 400, 'usage'],
  ['/api/v1/plan?ref=x&ref=y', 400, 'usage'],
  ['/api/v1/plan?ref=gone', 404, 'git-ref-missing'],
  ['/api/v1/status?commit=abc', 400, 'usage'],
  ['/api/v1/audit?since=yesterday', 400, 'usage'],
  ['/api/v1/audit?limit=-1', 400, 'usage'],
  ['/api/v1/audit?app=broken', 500, 'unexpected'],
  ['/api/v1/logs', 400, 'usage'],
  ['/api/v1/logs?app=none', 404, 'not-found'],
  ['/api/v1/nothing', 404, 'not-found'],
] as const) {
  test(`GET ${path} is answered ${status} ${code}`, async (t) => {
    const { ask } = await startForTest(t);
    const answer = await ask(path);
    assert.deepEqual([answer.status, answer.code], [status, code]);
  });
}

test('the audit log comes one event a line', async (t) => {
  const { ask, ports } = await startForTest(t);
  const answer = await ask('/api/v1/audit?app=/a&since=2026-01-01&after=5&limit=2');
  assert.deepEqual(
    answer.body
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).id),
    [1, 2],
  );
  assert.deepEqual(ports.asked, [{ app: '/a', env: null, since: '2026-01-01T00:00:00.000Z', after: 5, limit: 2 }]);
});

test('an answer that broke off on the way can be told from a whole one', async (t) => {
  const { ask, faults } = await startForTest(t);
  await assert.rejects(ask('/api/v1/audit?app=breaks'));
  assert.deepEqual(faults, ['/api/v1/audit broke off']);
});

test('a log that is followed comes at once and ends when the client goes', async (t) => {
  const { ports, faults, socketPath } = await startForTest(t);
  const outgoing = request({ socketPath, path: '/api/v1/logs?app=/a&follow=1', headers: NEAR });
  const line = await new Promise<string>((resolve, reject) => {
    outgoing
      .on('error', reject)
      .on('response', (response) => response.once('data', (chunk) => resolve(String(chunk))))
      .end();
  });
  assert.deepEqual(JSON.parse(line), { at: null, stream: 'stdout', text: 'hello' });
  const { gone } = ports;
  assert.ok(gone !== null);
  const aborted = new Promise((resolve) => gone.addEventListener('abort', resolve));
  outgoing
    .removeAllListeners('error')
    .on('error', () => {})
    .destroy();
  await aborted;
  assert.deepEqual(faults, []);
});

test('the first page names what there is to read', async (t) => {
  const { ask } = await startForTest(t);
  const answer = await ask('/');
  assert.match(answer.body, /href="\/api\/v1\/status"/);
  assert.match(String(answer.headers['content-type']), /^text\/html/);
});

test('explain and tip hand on what they are asked for; explain wants an app', async (t) => {
  const { ask, ports } = await startForTest(t);
  assert.deepEqual(JSON.parse((await ask('/api/v1/explain?app=/a&env=stage')).body), { app: '/a', environments: [] });
  await ask('/api/v1/tip?env=feature-x');
  await ask('/api/v1/tip');
  assert.deepEqual(ports.asked, [{ app: '/a', env: 'stage' }, { env: 'feature-x' }, { env: null }]);
  assert.equal((await ask('/api/v1/explain')).status, 400);
  assert.equal((await ask('/api/v1/explain?app=none')).status, 404);
});
