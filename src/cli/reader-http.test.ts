import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { auditLine, EMPTY_PLAN, EMPTY_STATUS } from '../../test/support/cli.ts';
import { MainspringError } from '../model/errors.ts';
import { NO_TOTALS } from '../model/gateway-counts.ts';
import type { SurfaceLogLine } from '../model/surface.ts';
import { type StatusPorts, statusApp } from '../status/api.ts';
import { httpReader } from './reader-http.ts';

const NOTHING: StatusPorts = {
  status: async () => EMPTY_STATUS,
  planFor: async () => EMPTY_PLAN,
  explain: async ({ app }) => ({ app, environments: [] }),
  audit: async function* () {},
  logs: async () => (async function* () {})(),
  tip: async () => 'b'.repeat(40),
  metrics: async () => ({ ...NO_TOTALS, wakes: [], instances: { running: 0, paused: 0, stopped: 0 } }),
};

async function listen(t: TestContext, answer: RequestListener): Promise<number> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A reader of the real API, as a gateway would lead to it. */
async function readerOf(t: TestContext, ports: Partial<StatusPorts> = {}, peer = '127.0.0.1') {
  const limits = {
    headerBytes: 1,
    targetBytes: 1,
    headerTimeoutMs: 1,
    hookBodyBytes: 1,
    connections: 1,
    peerConnections: 1,
    headerCount: 1,
    bodyTimeoutMs: 1,
  };
  const app = statusApp({
    ports: { ...NOTHING, ...ports },
    settings: () => ({
      status: { host: 'mainspring.localhost', tokenFile: null },
      gateway: {
        processes: 1,
        sharedCookies: false,
        accessLog: null,
        crawlersWake: false,
        trustedProxies: [],
        proxyProtocol: 'off',
        limits,
        upstream: { connections: 1, connectMs: 1, headMs: 1, idleMs: 1 },
      },
    }),
    onFault: () => {},
  });
  const port = await listen(t, (request, response) => {
    request.headers['x-mainspring-peer'] = peer;
    app(request, response);
  });
  return readerAt(`http://mainspring.localhost:${port}`);
}

function readerAt(url: string, timeoutMs = 2_000) {
  const verify = async (lines: AsyncIterable<unknown>, head: string | null) => {
    const all = await collect(lines);
    return { ok: true, message: 'fine', lines: all.length, head: head ?? '' };
  };
  return httpReader({ url, token: null, verify, timeoutMs });
}

async function collect(items: AsyncIterable<unknown>): Promise<unknown[]> {
  return await Readable.from(items).toArray();
}

test('what the daemon says comes back as it is, names that are not known yet included', async (t) => {
  const about = { commit: 'b'.repeat(40), role: 'config', state: 'current', by: null } as const;
  const asked: unknown[] = [];
  const status = async (what: unknown) => {
    asked.push(what);
    return { ...EMPTY_STATUS, about, from_later: 1 };
  };
  const reader = await readerOf(t, { status });
  assert.deepEqual(await reader.status({ commit: about.commit }), { ...EMPTY_STATUS, about, from_later: 1 });
  assert.deepEqual(asked, [{ commit: about.commit }]);
  assert.deepEqual(await reader.plan({ ref: null, dir: null }), EMPTY_PLAN);
  assert.equal(await reader.tip(), 'b'.repeat(40));
});

test('the audit log is streamed, and its chain is checked here', async (t) => {
  const lines = Array.from({ length: 500 }, (_, id) => auditLine({ id, detail: { text: 'é'.repeat(100) } }));
  const reader = await readerOf(t, {
    audit: async function* () {
      yield* lines;
    },
  });
  assert.deepEqual(await collect(reader.audit({ app: null, env: null, since: null })), lines);
  assert.equal((await reader.verifyAudit('7:x')).lines, 500);
});

test('a log that is followed ends without an error when the signal aborts', async (t) => {
  const stop = new AbortController();
  const logs: StatusPorts['logs'] = async (_query, signal) =>
    (async function* (): AsyncIterable<SurfaceLogLine> {
      yield { at: null, stream: 'stdout', text: 'one' };
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    })();
  const reader = await readerOf(t, { logs });
  const seen: string[] = [];
  for await (const line of reader.logs({ app: '/a', env: 'prod', build: false, follow: true, tail: 1 }, stop.signal)) {
    seen.push(line.text);
    stop.abort();
  }
  assert.deepEqual(seen, ['one']);
});

test('an error of the daemon comes back with its code and hint', async (t) => {
  const planFor = async () => {
    throw new MainspringError('git-ref-missing', 'no ref "x"', { hint: 'Name a branch.' });
  };
  const reader = await readerOf(t, { planFor });
  await assert.rejects(reader.plan({ ref: 'x', dir: null }), {
    code: 'git-ref-missing',
    message: 'no ref "x"',
    hint: 'Name a branch.',
    retry: 'needs-human',
  });
});

test('a daemon that is busy is worth another try, one that wants a token is not', async (t) => {
  const status = async () => {
    throw new MainspringError('store-locked', 'later', { retry: 'after-interval' });
  };
  await assert.rejects((await readerOf(t, { status })).status(), { code: 'store-locked', retry: 'after-interval' });
  await assert.rejects((await readerOf(t, {}, '192.0.2.1')).status(), { code: 'not-permitted', retry: 'needs-human' });
});

test('a stream that breaks off is an error, not an end', async (t) => {
  const audit: StatusPorts['audit'] = async function* () {
    yield auditLine();
    throw new Error('inside');
  };
  const reader = await readerOf(t, { audit });
  await assert.rejects(collect(reader.audit({ app: null, env: null, since: null })), {
    code: 'daemon-unreachable',
  });
});

for (const [name, answer, retry] of [
  ['nobody listens', null, 'after-interval'],
  ['it is another server', (_request, response) => response.end('hello'), 'after-interval'],
  ['it answers with other JSON', (_request, response) => response.end('{"version":1}'), 'needs-human'],
  ['the host is not known there', (_request, response) => response.writeHead(404).end('no such app'), 'needs-human'],
  ['the controller is away', (_request, response) => response.writeHead(502).end('bad gateway'), 'after-interval'],
  ['it leads elsewhere', (_request, response) => response.writeHead(302, { location: '/x' }).end(), 'needs-human'],
  ['it says nothing', () => {}, 'after-interval'],
] as const satisfies readonly (readonly [string, RequestListener | null, string])[]) {
  test(`when ${name}, the daemon is unreachable`, async (t) => {
    const port = answer === null ? 1 : await listen(t, answer);
    await assert.rejects(readerAt(`http://127.0.0.1:${port}`, 200).status(), { code: 'daemon-unreachable', retry });
  });
}

test('a folder can not be planned over HTTP', async () => {
  await assert.rejects(readerAt('http://127.0.0.1:1').plan({ ref: null, dir: '/x' }), { code: 'usage' });
});
