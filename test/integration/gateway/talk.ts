import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { eventually, type TestGateway, tcpUpstream } from './testbed.ts';

/** An app of bytes behind the host `a`; the test writes to its connections. */
export async function scriptedApp(t: TestContext, bed: TestGateway, options: { readonly instance?: string } = {}) {
  const sockets: Socket[] = [];
  let text = '';
  const target = await tcpUpstream(t, (socket) => {
    sockets.push(socket);
    socket.on('data', (data) => (text += data.toString('latin1')));
  });
  await bed.route('a/', target, options);
  return {
    text: () => text,
    /** How many connections it got. */
    count: () => sockets.length,
    socket: (at = 0) => sockets[at] as Socket,
    until: (pattern: RegExp) => untilSees('the app', pattern, () => text),
  };
}

/** A client of bytes that has sent some. It goes on reading when the other side ends, and may end its own. */
export function dial(t: TestContext, bed: TestGateway, bytes: string) {
  const socket = connect({ port: bed.port, host: '127.0.0.1', allowHalfOpen: true });
  t.after(() => socket.destroy());
  let text = '';
  let end: 'end' | 'reset' | undefined;
  socket.on('data', (data) => (text += data.toString('latin1')));
  socket.on('end', () => (end = 'end'));
  socket.on('error', () => (end = 'reset'));
  socket.write(bytes, 'latin1');
  return {
    socket,
    text: () => text,
    /** How the gateway ended the connection, once it has. */
    end: () => end,
    until: (pattern: RegExp) => untilSees('the client', pattern, () => text),
  };
}

/** Answers whatever comes with these bytes. */
export function answerAll(socket: Socket, bytes: string): void {
  socket.on('data', () => socket.write(bytes));
}

async function untilSees(who: string, pattern: RegExp, text: () => string): Promise<void> {
  await eventually(() => pattern.test(text()), '').catch(() => {
    throw new Error(`${who} should see ${pattern}, but saw ${JSON.stringify(text().slice(0, 2_000))}`);
  });
}
