import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ControllerMessage, GatewayMessage } from '../../model/control.ts';
import type { InstanceId } from '../../model/ids.ts';
import { type ControlServer, type ControlServerOptions, startControlServer } from './control-server.ts';
import { readJsonLines, writeJsonLine } from './json-lines.ts';
import { findSocket } from './socket-path.ts';

const GOING = new AbortController().signal;
const ONE = 'i-1' as InstanceId;

test('a generation is applied once every connected gateway says so', async (t) => {
  const { server, gateway } = await startTestServer(t, { expectGateways: 2 });
  const [a, b] = [await gateway('a', 3), await gateway('b', 3)];
  server.announce(4);
  const applied = settledFlag(server.applied(4, GOING));
  assert.deepEqual(await a.next('routes'), { type: 'routes', generation: 4 });
  a.say({ type: 'applied', generation: 4 });
  await b.next('routes');
  assert.equal(applied.isSettled, false);
  b.say({ type: 'applied', generation: 5 });
  await applied.promise;
});

test('nothing counts as applied before the expected gateways said hello', async (t) => {
  const { server, gateway } = await startTestServer(t, { expectGateways: 2, graceMs: 60_000 });
  const applied = settledFlag(server.applied(1, GOING));
  await gateway('a', 1);
  await turn();
  assert.equal(applied.isSettled, false);
  await gateway('b', 1);
  await applied.promise;
});

test('a start without any gateway is waited for only for the grace', async (t) => {
  const { server } = await startTestServer(t, { graceMs: 50 });
  await server.applied(1, GOING);
});

test('a gateway that comes late is told the newest generation', async (t) => {
  const { server, gateway } = await startTestServer(t);
  server.announce(9);
  const late = await gateway('late', 2);
  assert.deepEqual(await late.next('routes'), { type: 'routes', generation: 9 });
});

test('waiting ends with the reason of the signal', async (t) => {
  const { server, gateway } = await startTestServer(t);
  await gateway('a', 0);
  const stop = new AbortController();
  const applied = server.applied(1, stop.signal);
  stop.abort(new Error('enough'));
  await assert.rejects(applied, /enough/);
  await assert.rejects(server.idle(ONE, stop.signal), /enough/);
});

test('an instance is idle when the gateways, asked now, have nothing in flight on it', async (t) => {
  const { server, gateway } = await startTestServer(t);
  const a = await gateway('a', 1);
  const idle = settledFlag(server.idle(ONE, GOING));
  assert.deepEqual(await a.next('watch'), { type: 'watch', instance: ONE });
  a.say({ type: 'use', inFlight: { [ONE]: 2 }, idleMs: {} });
  a.say({ type: 'use', inFlight: {}, idleMs: {} });
  await turn();
  assert.equal(idle.isSettled, false);
  a.say({ type: 'use', inFlight: { [ONE]: 0 }, idleMs: { [ONE]: 1 } });
  await idle.promise;
});

test('a gateway whose process is dead does not count', async (t) => {
  const { server, gateway } = await startTestServer(t, { graceMs: 60_000 });
  const a = await gateway('a', 1, 2 ** 30);
  const applied = settledFlag(server.applied(2, GOING));
  await turn();
  assert.equal(applied.isSettled, false);
  const b = await gateway('b', 2);
  a.socket.destroy();
  await applied.promise;
  b.socket.destroy();
});

test('a living gateway whose connection broke is waited for', async (t) => {
  const { server, gateway } = await startTestServer(t, { graceMs: 60_000 });
  const a = await gateway('a', 1);
  await gateway('b', 2);
  a.socket.destroy();
  const applied = settledFlag(server.applied(2, GOING));
  await turn();
  assert.equal(applied.isSettled, false);
  await gateway('a', 2);
  await applied.promise;
});

test('a gateway that does not answer counts as gone and is reported', async (t) => {
  const hung: number[] = [];
  const { server, gateway } = await startTestServer(t, { answerMs: 200, graceMs: 50, onHung: (pid) => hung.push(pid) });
  await gateway('a', 1);
  server.announce(2);
  await server.applied(2, GOING).catch(() => {});
  assert.deepEqual(hung, [process.pid]);
});

test('hints come through by name', async (t) => {
  const hints: string[] = [];
  const { gateway } = await startTestServer(t, { onHint: (hook) => hints.push(hook) });
  const a = await gateway('a', 1);
  a.say({ type: 'hint', hook: 'github' });
  while (hints.length === 0) await turn();
  assert.deepEqual(hints, ['github']);
});

test('who does not begin with hello is cut off', async (t) => {
  const { path } = await startTestServer(t);
  const socket = connect(findSocket(path));
  socket.write('{"type":"applied","generation":9}\n');
  await new Promise((resolve) => socket.once('close', resolve));
});

test('the socket belongs to its owner alone', async (t) => {
  const { path } = await startTestServer(t);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('a data folder that is too deep for a socket gets one elsewhere, and nothing of it stays', async (t) => {
  const { server, path, gateway } = await startTestServer(t, {}, 'deep-'.repeat(30));
  await gateway('a', 1);
  const place = findSocket(path);
  assert.notEqual(place, path);
  await server.close();
  assert.equal(existsSync(place) || existsSync(`${path}.at`), false);
});

interface TestGateway {
  readonly socket: Socket;
  say(message: GatewayMessage): void;
  next(type: ControllerMessage['type']): Promise<ControllerMessage>;
}

async function startTestServer(t: TestContext, options: Partial<ControlServerOptions> = {}, below = 'run') {
  const dir = mkdtempSync(join(tmpdir(), 'control-'));
  mkdirSync(join(dir, below), { recursive: true });
  const path = join(dir, below, 'control.sock');
  const server: ControlServer = await startControlServer({ socketPath: path, onHint: () => {}, ...options });
  const sockets: Socket[] = [];
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    await server.close().catch(() => {});
    rmSync(dir, { recursive: true, force: true });
  });
  const gateway = async (id: string, generation: number, pid = process.pid): Promise<TestGateway> => {
    const socket = connect(findSocket(path));
    sockets.push(socket);
    const inbox: ControllerMessage[] = [];
    readJsonLines(socket, (message) => inbox.push(message as unknown as ControllerMessage));
    writeJsonLine(socket, { type: 'hello', id, pid, generation });
    while (!server.connected().some((link) => link.pid === pid && link.generation === generation)) await turn();
    return {
      socket,
      say: (message) => writeJsonLine(socket, message),
      next: async (type) => {
        for (;;) {
          const at = inbox.findIndex((message) => message.type === type);
          const found = at < 0 ? undefined : inbox.splice(at, 1)[0];
          if (found !== undefined) return found;
          await turn();
        }
      },
    };
  };
  return { server, path, gateway };
}

function settledFlag(promise: Promise<void>): { readonly isSettled: boolean; readonly promise: Promise<void> } {
  const flag = { isSettled: false, promise };
  promise.finally(() => (flag.isSettled = true)).catch(() => {});
  return flag;
}

/** Long enough for a message to get through a local socket. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 10));
}
