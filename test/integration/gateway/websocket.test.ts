import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { eventually, startTestGateway } from './testbed.ts';

/** What both ends saw: every byte of every frame, and every event, in order. */
interface Transcript {
  /** But for what is new each time, and the request id, which is the gateway's. */
  readonly handshake: IncomingHttpHeaders;
  readonly clientBytes: string;
  readonly serverBytes: string;
  readonly clientEvents: readonly string[];
  readonly serverEvents: readonly string[];
}

interface Conversation {
  readonly name: string;
  readonly protocols?: readonly string[];
  readonly isCompressed?: boolean;
  /** What the client does once it is connected; it waits for the close that follows. */
  readonly client: (client: WebSocket, server: WebSocket) => Promise<void> | void;
  /** What the server does with a message; default: sends it back. */
  readonly onMessage?: (server: WebSocket, data: Buffer, isBinary: boolean) => void;
}

// Bytes that don't compress, and are the same in every run.
const NOISE = Buffer.concat(
  Array.from({ length: 10 * 1024 * 32 }, (_, at) => createHash('sha256').update(String(at)).digest()),
);
const echoes = (client: WebSocket, count: number) =>
  new Promise<void>((resolve) => {
    let seen = 0;
    client.on('message', () => {
      seen += 1;
      if (seen === count) resolve();
    });
  });

const CONVERSATIONS: readonly Conversation[] = [
  {
    name: 'messages of sizes at the borders of the frame’s length',
    client: async (client) => {
      for (const size of [0, 1, 125, 126, 127, 65_535, 65_536]) {
        const back = echoes(client, 1);
        client.send(NOISE.subarray(0, size));
        await back;
        client.removeAllListeners('message');
      }
      client.close(1000);
    },
  },
  {
    name: 'a message in fragments with pings between them',
    client: async (client) => {
      const back = echoes(client, 1);
      client.send('one ', { fin: false });
      client.ping('between');
      client.send('two ', { fin: false });
      client.ping();
      client.send('', { fin: false });
      client.send('three', { fin: true });
      await back;
      client.close(1000, 'done');
    },
    onMessage: (server, data) => {
      server.send(data.subarray(0, 4), { fin: false });
      server.ping('from the server');
      server.send(data.subarray(4), { fin: true });
    },
  },
  {
    name: 'pings and pongs that nobody asked for, both ways',
    client: async (client, server) => {
      client.pong('unasked');
      client.ping(Buffer.alloc(125, 7));
      await once(client, 'pong');
      server.pong('unasked too');
      server.ping('p');
      await once(server, 'pong');
      client.close();
    },
  },
  ...[1000, 1001, 3000, 4999].flatMap((code): Conversation[] => [
    { name: `a close with ${code} from the client`, client: (client) => client.close(code, `reason ${code}`) },
    { name: `a close with ${code} from the server`, client: (_client, server) => server.close(code, `reason ${code}`) },
  ]),
  { name: 'a close without a code', client: (client) => client.close() },
  { name: 'an end without a close from the client', client: (client) => client.terminate() },
  { name: 'an end without a close from the server', client: (_client, server) => server.terminate() },
  {
    name: 'a client that closes its half of the connection',
    client: (client) => void (Reflect.get(client, '_socket') as Socket).end(),
  },
  {
    name: 'a message of 10 MB that does not compress',
    client: async (client) => {
      const back = echoes(client, 1);
      client.send(NOISE);
      await back;
      client.close(1000);
    },
  },
  {
    name: 'compressed messages, small and of 10 MB, with a context that is kept',
    isCompressed: true,
    client: async (client) => {
      const back = echoes(client, 3);
      client.send('hello hello hello hello');
      client.send('x'.repeat(10 * 1024 * 1024));
      client.send(NOISE.subarray(0, 1024 * 1024));
      await back;
      client.close(1000);
    },
  },
  {
    name: 'a subprotocol of several',
    protocols: ['first', 'chosen', 'last'],
    client: (client) => client.close(1000, client.protocol),
  },
  {
    name: 'many small messages at once',
    client: async (client) => {
      const back = echoes(client, 5_000);
      for (let at = 0; at < 5_000; at += 1) client.send(`message ${at}`);
      await back;
      client.close(1000);
    },
  },
];

for (const conversation of CONVERSATIONS) {
  test(`WebSocket, ${conversation.name}: through the gateway it is what it is without`, {
    timeout: 60_000,
  }, async (t) => {
    const { port, server } = await startServer(t, conversation);
    const bed = await startTestGateway(t);
    await bed.route('a/', { kind: 'http', url: `http://127.0.0.1:${port}`, external: false });
    const direct = await hold(server, port, conversation);
    const through = await hold(server, bed.port, conversation);
    assert.deepEqual(through, direct);
    assert.ok(direct.clientEvents.at(-1)?.startsWith('close'), 'the conversation has an end');
    await eventually(() => bed.gateway.inFlight() === 0, 'nothing stays in flight');
  });
}

async function startServer(t: TestContext, { isCompressed = false }: Conversation) {
  const http = createServer();
  const server = new WebSocketServer({
    server: http,
    perMessageDeflate: isCompressed,
    maxPayload: 64 * 1024 * 1024,
    handleProtocols: () => 'chosen',
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  t.after(() => {
    for (const client of server.clients) client.terminate();
    server.close();
    http.close();
  });
  return { port: (http.address() as AddressInfo).port, server };
}

/** Has one conversation and gives what both ends saw of it. */
async function hold(listening: WebSocketServer, port: number, conversation: Conversation): Promise<Transcript> {
  const { protocols = [], isCompressed = false, onMessage = sendBack } = conversation;
  const accepted = once(listening, 'connection') as Promise<[WebSocket, { socket: Socket }]>;
  // Masks are random otherwise, and so would be the bytes.
  const options = {
    perMessageDeflate: isCompressed,
    headers: { host: 'a' },
    generateMask: (mask: Buffer) => mask.fill(5),
  };
  const client = new WebSocket(`ws://127.0.0.1:${port}/x`, [...protocols], {
    ...options,
    maxPayload: 64 * 1024 * 1024,
  });
  const clientEvents = eventsOf(client);
  let clientBytes = () => '';
  let handshake: IncomingHttpHeaders = {};
  client.on('upgrade', (answer) => {
    clientBytes = bytesOf(answer.socket);
    const own = ['date', 'sec-websocket-accept', 'connection', 'x-request-id'];
    handshake = Object.fromEntries(Object.entries(answer.headers).filter(([name]) => !own.includes(name)));
  });
  const opened = once(client, 'open');
  const [server, { socket }] = await accepted;
  const serverBytes = bytesOf(socket);
  const serverEvents = eventsOf(server);
  server.on('message', (data: Buffer, isBinary) => onMessage(server, data, isBinary));
  await opened;
  const ends = Promise.all([once(client, 'close'), once(server, 'close')]);
  await conversation.client(client, server);
  await ends;
  return { handshake, clientBytes: clientBytes(), serverBytes: serverBytes(), clientEvents, serverEvents };
}

function sendBack(server: WebSocket, data: Buffer, isBinary: boolean): void {
  server.send(data, { binary: isBinary });
}

function eventsOf(socket: WebSocket): string[] {
  const events: string[] = [];
  const brief = (data: Buffer) => (data.length < 130 ? data.toString('latin1') : `${data.length} ${digest(data)}`);
  socket.on('message', (data: Buffer, isBinary) => events.push(`${isBinary ? 'binary' : 'text'} ${brief(data)}`));
  socket.on('ping', (data: Buffer) => events.push(`ping ${brief(data)}`));
  socket.on('pong', (data: Buffer) => events.push(`pong ${brief(data)}`));
  socket.on('close', (code, reason) => events.push(`close ${code} ${reason}`));
  socket.on('error', (error) => events.push(`error ${error.message}`));
  return events;
}

/** Every byte that comes from now on, as count and digest. */
function bytesOf(socket: Socket): () => string {
  const hash = createHash('sha256');
  let count = 0;
  // Before ws, which takes the mask off in place.
  socket.prependListener('data', (data: Buffer) => {
    count += data.length;
    hash.update(data);
  });
  return () => `${count} bytes, ${hash.copy().digest('hex')}`;
}

function digest(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}
