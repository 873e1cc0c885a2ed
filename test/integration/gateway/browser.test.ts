import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { WebSocketServer } from 'ws';
import { chromiumSkip, launchChromium } from '../../support/chromium.ts';
import { httpUpstream, startTestGateway } from './testbed.ts';

// What a page of an app does: everything by relative URLs, below the path where the gateway serves it.
const PAGE = `<!doctype html><meta charset="utf-8"><title>app</title><script type="module">
const api = new URL('/api/', location.href);
const socketUrl = new URL('socket', api);
socketUrl.protocol = 'ws:';
async function socket() {
  const socket = new WebSocket(socketUrl, ['chat']);
  const seen = [];
  socket.onmessage = ({ data }) => seen.push(data);
  await new Promise((resolve) => (socket.onopen = resolve));
  socket.send('hello');
  socket.send('x'.repeat(200000));
  while (seen.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
  socket.close(4321, 'enough');
  const { code, reason } = await new Promise((resolve) => (socket.onclose = resolve));
  return { protocol: socket.protocol, lengths: seen.map((text) => text.length), code, reason };
}
async function events() {
  const source = new EventSource(new URL('events', api));
  const seen = [];
  await new Promise((resolve) => (source.onmessage = ({ data }) => seen.push(data) === 3 && resolve()));
  source.close();
  return seen;
}
async function transfers() {
  const upload = await fetch(new URL('count', api), { method: 'POST', body: new Blob([new Uint8Array(3000000)]) });
  const download = await fetch(new URL('bytes', api));
  return { uploaded: await upload.text(), downloaded: (await download.arrayBuffer()).byteLength };
}
globalThis.outcome = Promise.all([socket(), events(), transfers()]);
</script>`;

test('a page in Chromium talks to its app through the gateway: WebSocket, events, up- and downloads', {
  skip: chromiumSkip,
  timeout: 60_000,
}, async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('127.0.0.1/page', { kind: 'static', root: pageFolder(t), index: 'index.html', fallback: null });
  await bed.route('127.0.0.1/api', await startApp(t));
  const browser = await launchChromium();
  t.after(() => browser.close());
  const page = await browser.newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  await page.goto(`http://127.0.0.1:${bed.port}/page/`);
  const outcome = await page.evaluate('globalThis.outcome');
  assert.deepEqual(faults, []);
  assert.deepEqual(outcome, [
    { protocol: 'chat', lengths: [5, 200_000], code: 4321, reason: 'enough' },
    ['event 0', 'event 1', 'event 2'],
    { uploaded: '3000000', downloaded: 5_000_000 },
  ]);
});

function pageFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'page-'));
  writeFileSync(join(folder, 'index.html'), PAGE);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** An app with a WebSocket that sends back, three events one after the other, something to upload to and something to download. */
function startApp(t: TestContext) {
  const sockets = new WebSocketServer({ noServer: true });
  t.after(() => sockets.close());
  return httpUpstream(t, answer, (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (client) =>
      client.on('message', (data, isBinary) => client.send(data, { binary: isBinary })),
    ),
  );
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url === '/count') {
    let count = 0;
    for await (const chunk of request) count += (chunk as Buffer).length;
    response.end(String(count));
  } else if (request.url === '/bytes') response.end(Buffer.alloc(5_000_000));
  else if (request.url === '/events') {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (let at = 0; at < 3; at += 1) {
      response.write(`data: event ${at}\n\n`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  } else response.writeHead(404).end();
}
