import type { Files } from '../apps.ts';

/** The files of a static app that says its version. */
export function versionedPage(version: number): Files {
  return { 'index.html': `version ${version}.\n${'x'.repeat(1_000)}\n` };
}

/**
 * The files of a process app that says its version in all it answers: short answers, an echo of bodies, a download that trickles, a
 * large one, server-sent events, WebSockets. On SIGTERM it answers what it has and ends; streams without an end end with it.
 */
export function versionedServer(version: number): Files {
  return { Procfile: 'web: exec node server.cjs\n', 'server.cjs': SERVER, version: String(version) };
}

/** The same as a container. */
export function versionedContainer(version: number): Files {
  const { Procfile: _, ...files } = versionedServer(version);
  return { ...files, Dockerfile: CONTAINERFILE };
}

const CONTAINERFILE = `FROM node:24-slim
WORKDIR /app
COPY . .
ENV LISTEN_HOST=0.0.0.0
EXPOSE 8080
USER 65534:65534
CMD ["node", "server.cjs"]
`;

/** Bytes that the large download has. */
export const LARGE_BYTES = 4 << 20;

const SERVER = `
const { createHash } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { createServer } = require('node:http');
const version = readFileSync('version', 'utf8').trim();
const said = 'version ' + version + '.\\n';
const padding = 'x'.repeat(1000);
const part = Buffer.alloc(1024, 'p');
const large = Buffer.alloc(${LARGE_BYTES}, 'large ');
const streams = new Set();

const server = createServer((request, response) => {
  response.setHeader('X-Version', version);
  if (request.url.endsWith('/echo')) return echo(request, response);
  const parts = /\\/trickle\\/(\\d+)$/.exec(request.url);
  if (parts !== null) return trickle(response, Number(parts[1]));
  if (request.url.endsWith('/large')) return response.end(large);
  if (request.url.endsWith('/events')) return events(response);
  response.setHeader('Content-Length', said.length + padding.length);
  response.end(said + padding);
});

function echo(request, response) {
  const hash = createHash('sha256');
  request.on('data', (data) => hash.update(data));
  request.on('end', () => response.end(said + hash.digest('hex')));
}

function trickle(response, parts) {
  let left = parts;
  const timer = setInterval(() => {
    left -= 1;
    response.write(part);
    if (left > 0) return;
    clearInterval(timer);
    response.end();
  }, 250);
  response.on('close', () => clearInterval(timer));
}

function events(response) {
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  streams.add(response);
  let count = 0;
  const timer = setInterval(() => response.write('data: ' + (count += 1) + '\\n\\n'), 100);
  response.on('close', () => {
    clearInterval(timer);
    streams.delete(response);
  });
}

// RFC 6455 as far as it is needed here: whole text messages of less than 126 bytes, masked by the client.
server.on('upgrade', (request, socket) => {
  const key = createHash('sha1').update(request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nX-Version: ' + version + '\\r\\nSec-WebSocket-Accept: ' + key + '\\r\\n\\r\\n');
  socket.on('error', () => socket.destroy());
  let count = 0;
  const timer = request.url.endsWith('/ticks') ? setInterval(() => say(socket, 1, Buffer.from(String((count += 1)))), 50) : undefined;
  socket.on('close', () => clearInterval(timer));
  let bytes = Buffer.alloc(0);
  socket.on('data', (data) => {
    bytes = Buffer.concat([bytes, data]);
    while (bytes.length >= 6) {
      const length = bytes[1] & 127;
      if (bytes.length < 6 + length) break;
      const mask = bytes.subarray(2, 6);
      const payload = Buffer.from(bytes.subarray(6, 6 + length).map((byte, at) => byte ^ mask[at % 4]));
      const opcode = bytes[0] & 15;
      bytes = bytes.subarray(6 + length);
      if (opcode === 8) { say(socket, 8, payload); socket.end(); }
      if (opcode === 1) say(socket, 1, payload);
      if (opcode === 9) say(socket, 10, payload);
    }
  });
});

function say(socket, opcode, payload) {
  if (socket.writable) socket.write(Buffer.concat([Buffer.from([128 | opcode, payload.length]), payload]));
}

server.keepAliveTimeout = 60_000;
server.listen(Number(process.env.PORT), process.env.LISTEN_HOST ?? '127.0.0.1');
process.on('SIGTERM', () => {
  for (const stream of streams) stream.end();
  setTimeout(() => process.exit(0), 200);
});
`;
