import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startControlServer } from '../../../src/gateway/control/control-server.ts';
import type { InstanceId } from '../../../src/model/ids.ts';
import { echo, eventually, GOING, httpUpstream, startTestGateway } from './testbed.ts';

test('a notification that was lost costs at most a second', async (t) => {
  const bed = await startTestGateway(t);
  await eventually(() => bed.gateway.isControlled(), 'it is connected, and would hear');
  bed.routeSilently('a/', await httpUpstream(t, echo));
  const written = performance.now();
  await eventually(async () => (await bed.fetch('a/')).status === 200, 'the route is followed');
  // The poll of a second, and what a busy machine makes of it.
  assert.ok(performance.now() - written < 5_000);
});

test('a switch is followed at once when it is announced, and by polling when it is not', async (t) => {
  const bed = await startTestGateway(t, { pollMs: 50 });
  const [one, two] = [await httpUpstream(t, (_q, r) => r.end('one')), await httpUpstream(t, (_q, r) => r.end('two'))];
  await bed.route('a/', one);
  assert.equal(await (await bed.fetch('a/')).text(), 'one');
  await bed.route('a/', two);
  assert.equal(await (await bed.fetch('a/')).text(), 'two');
  const silent = bed.routeSilently('a/', one);
  await bed.control.applied(silent, AbortSignal.timeout(5_000));
  assert.equal(await (await bed.fetch('a/')).text(), 'one');
  await bed.route('a/', null);
  assert.equal((await bed.fetch('a/')).status, 404);
});

test('requests in flight stay with the old instance, and it is idle only when they are done', async (t) => {
  const bed = await startTestGateway(t);
  let slow: ServerResponse | undefined;
  await bed.route('a/', await httpUpstream(t, (_q, response) => (slow = response)), { instance: 'old' });
  const pending = bed.fetch('a/');
  await eventually(() => slow !== undefined, 'the request is in flight');
  await bed.route('a/', await httpUpstream(t, (_q, response) => response.end('new')), { instance: 'new' });
  assert.equal(await (await bed.fetch('a/')).text(), 'new');
  let isIdle = false;
  const idle = bed.control.idle('old' as InstanceId, GOING).then(() => (isIdle = true));
  await bed.control.idle('new' as InstanceId, AbortSignal.timeout(5_000));
  assert.equal(isIdle, false);
  slow?.write('o');
  slow?.end('ld');
  assert.equal(await (await pending).text(), 'old');
  await idle;
});

test('without the controller the table is still served; a new controller finds the gateway again', async (t) => {
  const bed = await startTestGateway(t, { pollMs: 30 });
  await bed.route('a/', await httpUpstream(t, echo));
  await bed.control.close();
  assert.equal((await bed.fetch('a/')).status, 200);
  const generation = bed.routeSilently('b/', await httpUpstream(t, echo));
  await eventually(() => bed.gateway.generation() === generation, 'polling goes on');
  const control = await startControlServer({ socketPath: join(bed.dir, 'run/control.sock'), onHint: () => {} });
  t.after(() => control.close());
  await control.applied(generation, AbortSignal.timeout(5_000));
  assert.deepEqual(control.connected(), [{ pid: process.pid, generation }]);
});

test('a stopping gateway finishes what is in flight, and tells clients to go', async (t) => {
  const bed = await startTestGateway(t, { drainMs: 5_000 });
  let slow: ServerResponse | undefined;
  await bed.route('a/', await httpUpstream(t, (_q, response) => (slow = response)));
  const pending = bed.raw('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually(() => slow !== undefined, 'the request is in flight');
  const stopped = bed.gateway.stop();
  slow?.end('finished');
  assert.match(await pending, /connection: close.*finished/is);
  await stopped;
  await assert.rejects(bed.fetch('a/'));
});

test('a stopping gateway does not wait for ever', async (t) => {
  const bed = await startTestGateway(t, { drainMs: 100 });
  let isAsked = false;
  await bed.route('a/', await httpUpstream(t, () => (isAsked = true)));
  const pending = bed.raw('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually(() => isAsked, 'the request is in flight');
  await bed.gateway.stop();
  assert.equal(await pending, '');
});

test('a signed hook is accepted and hints once, however often it comes', async (t) => {
  const { bed, file } = await withHook(t, 'key\n');
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => bed.fetch('any/_mainspring/hooks/github', signed('{"a":1}', 'key'))),
  );
  assert.deepEqual(new Set(answers.map((answer) => answer.status)), new Set([202]));
  await eventually(() => bed.hints.length > 0, 'the hint arrives');
  assert.ok(bed.hints.length < 5 && bed.hints.every((hint) => hint === 'github'));
  writeFileSync(file, 'other key');
  assert.equal((await bed.fetch('any/_mainspring/hooks/github', signed('{}', 'key'))).status, 401);
  assert.equal((await bed.fetch('any/_mainspring/hooks/github', signed('{}', 'other key'))).status, 202);
});

test('a bearer token is accepted; a wrong signature is not saved by a right token', async (t) => {
  const { bed } = await withHook(t, 'key');
  const post = (headers: Record<string, string>, body = 'x') =>
    bed.fetch('any/_mainspring/hooks/github', { method: 'POST', body, headers });
  assert.equal((await post({ authorization: 'Bearer key' })).status, 202);
  assert.equal((await post({ authorization: 'Bearer kez' })).status, 401);
  assert.equal((await post({ authorization: 'Bearer key', 'x-hub-signature-256': 'sha256=00' })).status, 401);
  assert.equal((await post({})).status, 401);
  await eventually(() => bed.hints.length === 1, 'one hint');
});

test('a hook that is unknown, too large, of another method or without a secret is refused', async (t) => {
  const { bed, file } = await withHook(t, 'key');
  assert.equal((await bed.fetch('any/_mainspring/hooks/none', signed('{}', 'key'))).status, 404);
  assert.equal((await bed.fetch('any/_mainspring/hooks/constructor', signed('{}', 'key'))).status, 404);
  assert.equal((await bed.fetch('any/_mainspring/hooks/github')).status, 405);
  assert.equal((await bed.fetch('any/_mainspring/hooks/github', signed('x'.repeat(1_001), 'key'))).status, 413);
  const chunked = `POST /_mainspring/hooks/github HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n${'x'.repeat(1_001)}\r\n`;
  assert.match(await bed.raw(chunked), /^HTTP\/1.1 413 /);
  writeFileSync(file, '\n');
  assert.equal((await bed.fetch('any/_mainspring/hooks/github', signed('{}', ''))).status, 401);
  rmSync(file);
  assert.equal((await bed.fetch('any/_mainspring/hooks/github', signed('{}', 'key'))).status, 401);
  assert.deepEqual(bed.hints, []);
});

test('a hook is 202 while the controller is away', async (t) => {
  const { bed } = await withHook(t, 'key');
  await bed.control.close();
  assert.equal((await bed.fetch('any/_mainspring/hooks/github', signed('{}', 'key'))).status, 202);
});

async function withHook(t: TestContext, secret: string) {
  const dir = mkdtempSync(join(tmpdir(), 'hook-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, 'secret');
  writeFileSync(file, secret);
  const bed = await startTestGateway(t, { hooks: { github: { secretFile: file } } });
  return { bed, file };
}

function signed(body: string, key: string): RequestInit {
  const signature = `sha256=${createHmac('sha256', key === '' ? 'no secret' : key)
    .update(body)
    .digest('hex')}`;
  return { method: 'POST', body, headers: { 'x-hub-signature-256': signature } };
}
