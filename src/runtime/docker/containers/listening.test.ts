import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { listeningOf, parseListening, portAdvice } from './listening.ts';

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0B00007F:8A3D 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1
   1: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2
   2: 0100007F:270F 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3
   3: 020A040A:1F90 010A040A:C3A0 01 00000000:00000000 00:00000000 00000000     0        0 4
`;
const TABLE6 = `  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:0BB8 00000000000000000000000000000000:0000 0A 00000000:00000000
   1: 00000000000000000000000001000000:0BB9 00000000000000000000000000000000:0000 0A 00000000:00000000
   2: 0000000000000000FFFF00000100007F:0BBA 00000000000000000000000000000000:0000 0A 00000000:00000000
`;

test('listening sockets are told from connections and from the resolver of the engine', () => {
  assert.deepEqual(parseListening(TABLE), [
    { port: 8080, isLoopback: false },
    { port: 9999, isLoopback: true },
  ]);
  assert.deepEqual(parseListening(TABLE6), [
    { port: 3000, isLoopback: false },
    { port: 3001, isLoopback: true },
    { port: 3002, isLoopback: true },
  ]);
});

for (const [what, found, expected] of [
  ['the right port', [{ port: 8080, isLoopback: false }], null],
  ['loopback', [{ port: 8080, isLoopback: true }], /127\.0\.0\.1.*listen on 0\.0\.0\.0/],
  ['another port', [{ port: 3000, isLoopback: false }], /on port 3000, not on 8080.*"port": 3000/],
  ['nothing', [], /on no port.*PORT, 8080/],
] as const) {
  test(`what listens on ${what} is told what to do`, () => {
    const advice = portAdvice(8080, found);
    if (expected === null) assert.equal(advice, null);
    else assert.match(advice ?? '', expected);
  });
}

test('what this process listens on is found', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : null;
  assert.deepEqual(
    (await listeningOf(process.pid))?.filter((one) => one.port === port),
    [{ port, isLoopback: true }],
  );
  assert.equal(await listeningOf(2 ** 30), null);
});
