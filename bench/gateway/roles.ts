// Servers of the comparison that are written here, each a process of its own that prints its port.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Agent, createServer, type RequestListener, request } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { LARGE_BYTES, SMALL } from './contender.ts';

const [role = '', upstream = '0'] = process.argv.slice(2);
const roles: Readonly<Record<string, () => Promise<void>>> = {
  backend: () => listen(answer),
  echo: () => listen(answer),
  plain: () => listen(forward),
};
const agent = new Agent({ keepAlive: true });
const large = Buffer.alloc(LARGE_BYTES, 'x');
await roles[role]?.();

async function listen(handle: RequestListener): Promise<void> {
  const server = createServer(handle).on('upgrade', (incoming, socket) =>
    echo(incoming.headers['sec-websocket-key'] ?? '', socket as Socket),
  );
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  console.log((server.address() as AddressInfo).port);
}

/** Stands in where nginx is missing. */
function answer(...[incoming, response]: Parameters<RequestListener>): void {
  incoming.resume().on('end', () => response.end(incoming.url === '/both' ? large : SMALL));
}

/** What anybody would write first. */
function forward(...[incoming, response]: Parameters<RequestListener>): void {
  const { url: path, method, headers } = incoming;
  const outgoing = request({ agent, host: '127.0.0.1', port: Number(upstream), path, method, headers }, (reply) => {
    response.writeHead(reply.statusCode ?? 502, reply.headers);
    reply.pipe(response);
  });
  outgoing.on('error', () => response.destroy());
  incoming.pipe(outgoing);
}

/** Answers each message of a WebSocket with it. All are short, and come whole: RFC 6455 as far as that needs it. */
function echo(key: string, socket: Socket): void {
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  socket.setNoDelay(true).on('error', () => socket.destroy());
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.on('data', (frame: Buffer) => {
    const length = (frame[1] ?? 0) & 127;
    const mask = frame.subarray(2, 6);
    const payload = frame.subarray(6, 6 + length).map((byte, at) => byte ^ (mask[at % 4] ?? 0));
    socket.write(Buffer.concat([Buffer.from([0x81, length]), payload]));
  });
}
