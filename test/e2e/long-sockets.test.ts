import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import type { Files } from './support/apps.ts';
import { eventually } from './support/eventually.ts';
import { Team } from './support/team.ts';

/** A process app that says its text over HTTP, and once a WebSocket is open over that; it never closes one. */
function socketApp(text: string): Files {
  return {
    Procfile: 'web: exec node server.cjs\n',
    'server.cjs': `
const { createHash } = require('node:crypto');
const text = ${JSON.stringify(text)};
const frame = (payload) => Buffer.concat([Buffer.from([0x81, payload.length]), Buffer.from(payload)]);
require('node:http').createServer((request, response) => response.end(text)).on('upgrade', (request, socket) => {
  const key = request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
  const accept = createHash('sha1').update(key).digest('base64');
  socket.on('error', () => {});
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\nSec-WebSocket-Accept: ' + accept + '\\r\\n\\r\\n');
  socket.write(frame(text));
}).listen(Number(process.env.PORT), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
`,
  };
}

test('a WebSocket that is open for longer than the drain time ends with a close frame, and the next one meets the new revision', async (t) => {
  const team = await Team.create(t, (url) => ({
    'apps.star': `app("/talk", "${url('talk')}", stage = False, limits = {"drain": "1s"})\n`,
  }));
  const { installation } = team;
  await installation.push('talk', socketApp('talk 1'));
  await team.serve();
  const open = async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${installation.port}/talk/`, { headers: { host: 'localhost' } });
    t.after(() => socket.terminate());
    const [said] = (await once(socket, 'message')) as [Buffer];
    return { socket, said: said.toString() };
  };
  const first = await open();
  assert.equal(first.said, 'talk 1');
  const closed = once(first.socket, 'close') as Promise<[number]>;
  await installation.push('talk', socketApp('talk 2'));
  await team.hint();
  await eventually(async () => ((await installation.get('/talk/')).body === 'talk 2' ? true : undefined), {
    within: 30_000,
    what: 'the new revision',
  });
  assert.equal(first.socket.readyState, WebSocket.OPEN, 'what is open goes on for its drain time');
  const [code] = await closed;
  assert.equal(code, 1001);
  assert.equal((await open()).said, 'talk 2');
});
