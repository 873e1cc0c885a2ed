import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { bindAddress, bindAll, inheritedSockets } from './bind.ts';

const LOCAL = { host: '127.0.0.1', port: 0 };

test('a bound address accepts nobody before somebody listens on its descriptor', async () => {
  const bound = bindAddress(LOCAL, { ipv6Only: false });
  assert.ok(bound !== undefined && bound.address.port > 0);
  const [error] = await once(connect(bound.address.port, '127.0.0.1'), 'error').catch((failure: unknown) => [failure]);
  assert.equal((error as NodeJS.ErrnoException).code, 'ECONNREFUSED');
  bound.close();
});

test('an address that somebody listens on is not ours, and the others are let go again', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  assert.equal(bindAddress({ host: '127.0.0.1', port }, { ipv6Only: false }), undefined);
  assert.equal(bindAll([LOCAL, { host: '127.0.0.1', port }]), undefined);
});

test('IPv4 and IPv6 share a port when both are asked for', () => {
  const first = bindAddress({ host: '0.0.0.0', port: 0 }, { ipv6Only: false });
  const port = first?.address.port ?? 0;
  first?.close();
  const bound = bindAll([
    { host: '0.0.0.0', port },
    { host: '::', port },
  ]);
  assert.deepEqual(
    bound?.map(({ address }) => address),
    [
      { host: '0.0.0.0', port },
      { host: '::', port },
    ],
  );
  for (const one of bound ?? []) one.close();
});

test('an address of another machine is an error that says so', () => {
  assert.throws(() => bindAddress({ host: '203.0.113.1', port: 0 }, { ipv6Only: false }), { code: 'listen-failed' });
});

test('sockets of a service manager count only for the process they are meant for', () => {
  assert.equal(inheritedSockets({ LISTEN_PID: '1', LISTEN_FDS: '1' }, 2), undefined);
  assert.equal(inheritedSockets({ LISTEN_PID: '2', LISTEN_FDS: '0' }, 2), undefined);
  assert.equal(inheritedSockets({}, 2), undefined);
});
