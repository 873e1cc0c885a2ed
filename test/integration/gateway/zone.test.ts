import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { RouteTarget } from '../../../src/model/routing.ts';
import type { StatusPorts } from '../../../src/status/api.ts';
import { startStatusServer } from '../../../src/status/server.ts';
import { echo, httpUpstream, startTestGateway, type TestGateway, tcpUpstream } from './testbed.ts';

const COOKIES = ['a=1; Domain=localhost; Path=/', 'b=2; domain = .ENV.localhost;HttpOnly', 'c=3; Path=/'];

test('cookies of an app cannot reach the environments, in production either', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('apps.localhost/', await cookieApp(t));
  const answer = await bed.fetch('apps.localhost/');
  assert.deepEqual(answer.headers.getSetCookie(), ['a=1; Path=/', 'b=2;HttpOnly', 'c=3; Path=/']);
  assert.equal(answer.headers.get('x-robots-tag'), null);
});

test('the settings can let cookies reach the environments', async (t) => {
  const bed = await startTestGateway(t, { sharedCookies: true });
  await bed.route('stage.env.localhost/', await cookieApp(t));
  assert.deepEqual((await bed.fetch('stage.env.localhost/')).headers.getSetCookie(), COOKIES);
});

test('cookies that come with a switch of protocols cannot reach the environments', async (t) => {
  const bed = await startTestGateway(t);
  const target = await tcpUpstream(t, (socket) =>
    socket.once('data', () =>
      socket.end(
        'HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: x\r\nSet-Cookie: a=1; Domain=localhost; Secure\r\n\r\n',
      ),
    ),
  );
  await bed.route('stage.env.localhost/', target, { noindex: true });
  const answer = await bed.raw(
    'GET / HTTP/1.1\r\nHost: stage.env.localhost\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
  );
  assert.match(answer, /^HTTP\/1.1 101 /);
  assert.match(answer, /\r\nSet-Cookie: a=1; Secure\r\n/);
  assert.match(answer, /\r\nX-Robots-Tag: noindex\r\n/);
});

const ANSWERS: readonly [string, string, number][] = [
  ['an answer of an app', 'GET /app/x', 200],
  ['an app that is down', 'GET /down', 502],
  ['a file', 'GET /files/', 200],
  ['a redirect to a folder', 'GET /files', 302],
  ['a file that is not there', 'GET /files/none', 404],
  ['a method that files do not have', 'POST /files/', 405],
  ['an app that is not there', 'GET /none', 404],
  ["a path across an app's border", 'GET /app%2f..%2f..%2f..%2f', 400],
  ['a malformed path', 'GET /%zz', 400],
  ['a method that nobody has', 'TRACE /', 405],
  ['a probe', 'GET /_mainspring/readyz', 200],
  ['a hook that is not there', 'POST /_mainspring/hooks/none', 404],
];
for (const [what, line, status] of ANSWERS) {
  test(`on a host in the environments' zone search engines are sent away by ${what}`, async (t) => {
    const bed = await zoneBed(t);
    const answer = await ask(bed, line, 'stage.env.localhost');
    assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `));
    assert.deepEqual(answer.match(/^x-robots-tag: .*$/gim), ['X-Robots-Tag: noindex']);
  });

  test(`on a production host search engines are not sent away by ${what}`, async (t) => {
    const bed = await zoneBed(t);
    const answer = await ask(bed, line, 'prod.localhost');
    assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `));
    assert.doesNotMatch(answer, /x-robots-tag/i);
  });
}

test('search engines are sent away from a host in the zone that no app has, and before there is a table', async (t) => {
  const bed = await startTestGateway(t);
  assert.match(await ask(bed, 'GET /', 'gone.ENV.localhost.:80'), /^HTTP\/1.1 404 .*\r\nX-Robots-Tag: noindex\r\n/s);
  const empty = await startTestGateway(t, {}, { withStore: false });
  assert.match(await ask(empty, 'GET /', 'x.env.localhost'), /^HTTP\/1.1 503 .*\r\nX-Robots-Tag: noindex\r\n/s);
});

test('the status host sends search engines away once an answer, with the controller there or away', async (t) => {
  const bed = await startTestGateway(t);
  const robots = async (line: string, status: number) => {
    const answer = await ask(bed, line, 'mainspring.localhost');
    assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `));
    return answer.match(/^x-robots-tag: .*$/gim);
  };
  const once = ['X-Robots-Tag: noindex'];
  assert.deepEqual(await robots('GET /', 503), once);
  const server = await startStatusServer(join(bed.dir, 'run/status.sock'), {
    ports: {} as StatusPorts,
    settings: () =>
      ({ status: { host: 'mainspring.localhost', tokenFile: null }, gateway: { trustedProxies: [] } }) as never,
    onFault: assert.fail,
  });
  t.after(() => server.close());
  assert.deepEqual(await robots('GET /', 200), once);
  assert.deepEqual(await robots('GET /none', 404), once);
  assert.deepEqual(await robots('POST /', 405), once);
});

/** The same apps on a production host and on one in the zone. */
async function zoneBed(t: TestContext): Promise<TestGateway> {
  const bed = await startTestGateway(t);
  const root = join(bed.dir, 'tree');
  mkdirSync(root);
  writeFileSync(join(root, 'index.html'), 'page');
  const app = await httpUpstream(t, echo);
  for (const [host, noindex] of [
    ['prod.localhost', false],
    ['stage.env.localhost', true],
  ] as const) {
    await bed.route(`${host}/app`, app, { noindex });
    await bed.route(`${host}/down`, { kind: 'http', url: 'http://127.0.0.1:1', external: false }, { noindex });
    await bed.route(`${host}/files`, { kind: 'static', root, index: 'index.html', fallback: null }, { noindex });
  }
  return bed;
}

function ask(bed: TestGateway, line: string, host: string): Promise<string> {
  return bed.raw(`${line} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function cookieApp(t: TestContext): Promise<RouteTarget> {
  return httpUpstream(t, (_request, response) => response.writeHead(200, { 'set-cookie': COOKIES }).end());
}
