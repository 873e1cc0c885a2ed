import { connect } from 'node:net';
import { WebSocket } from 'ws';
import { BrokenExchange, HttpConnection } from './http-connection.ts';
import { type Lane, rest } from './lane.ts';
import type { Kind } from './ledger.ts';

const GOING_AWAY = 1_001;
const ECHO_MS = 100;
const PATIENCE_MS = 60_000;

/** Reads server-sent events, each of which must follow the one before; connects again when they end, as browsers do. */
export async function eventsLane({ plan, ledger, over }: Lane): Promise<void> {
  while (!over.aborted) {
    ledger.tally('events').connections += 1;
    let localPort = 0;
    const openedAt = Date.now();
    try {
      const connection = await HttpConnection.open(plan.port);
      localPort = connection.localPort;
      const stop = () => connection.close();
      over.addEventListener('abort', stop, { once: true });
      connection.write(`GET ${plan.server}/events HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      await readEvents(connection, () => ledger.done('events'));
      over.removeEventListener('abort', stop);
      connection.close();
      ledger.tally('events').endedProperly += 1;
    } catch (error) {
      if (over.aborted) return;
      ledger.failed({ kind: 'events', localPort, openedAt, why: (error as Error).message });
      await rest(10, over);
    }
  }
}

async function readEvents(connection: HttpConnection, onEvent: () => void): Promise<void> {
  const head = await connection.head();
  if (head.status !== 200) throw new BrokenExchange(`answered ${head.status}`);
  let text = '';
  let count = 0;
  for (let chunk = await connection.nextChunk(); chunk !== undefined; chunk = await connection.nextChunk()) {
    text += chunk.toString();
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      count += 1;
      if (text.slice(0, end) !== `data: ${count}`)
        throw new BrokenExchange(`"${text.slice(0, end)}" as event ${count}`);
      text = text.slice(end + 2);
      onEvent();
    }
  }
}

/** Sends a message every 100 ms over a WebSocket, each of which must come back before the next. */
export function echoLane(lane: Lane): Promise<void> {
  return overWebSockets(lane, 'websocket echo', ({ socket, onGood, onBad }) => {
    let sent = 0;
    let isAnswered = true;
    const timer = setInterval(() => {
      if (!isAnswered || socket.readyState !== WebSocket.OPEN) return;
      isAnswered = false;
      sent += 1;
      socket.send(`message ${sent}`);
    }, ECHO_MS);
    socket.on('message', (data) => {
      if (String(data) !== `message ${sent}`) onBad(`"${data}" came back for message ${sent}`);
      isAnswered = true;
      onGood();
    });
    socket.on('close', () => clearInterval(timer));
  });
}

/** Reads messages that the app sends by itself, each of which must follow the one before. */
export function ticksLane(lane: Lane): Promise<void> {
  return overWebSockets(lane, 'websocket ticks', ({ socket, onGood, onBad }) => {
    let count = 0;
    socket.on('message', (data) => {
      count += 1;
      if (String(data) !== String(count)) onBad(`"${data}" came as tick ${count}`);
      onGood();
    });
  });
}

interface Talk {
  readonly socket: WebSocket;
  readonly onGood: () => void;
  readonly onBad: (why: string) => void;
}

async function overWebSockets(lane: Lane, kind: Kind, begin: (talk: Talk) => void): Promise<void> {
  while (!lane.over.aborted) {
    await oneWebSocket(lane, kind, begin);
    await rest(10, lane.over);
  }
}

/** Until it ends: only close frame 1001 is a proper end of what nobody here has ended. */
function oneWebSocket({ plan, ledger, over }: Lane, kind: Kind, begin: (talk: Talk) => void): Promise<void> {
  ledger.tally(kind).connections += 1;
  const path = kind === 'websocket echo' ? 'echo' : 'ticks';
  const connection = connect(plan.port, '127.0.0.1');
  const openedAt = Date.now();
  let localPort = 0;
  connection.once('connect', () => {
    localPort = connection.localPort ?? 0;
  });
  const socket = new WebSocket(`ws://127.0.0.1:${plan.port}${plan.server}/${path}`, {
    headers: { host: 'localhost' },
    createConnection: () => connection,
  });
  let isFailed = false;
  const fail = (why: string) => {
    if (!isFailed) ledger.failed({ kind, localPort, openedAt, why });
    isFailed = true;
  };
  const stop = () => socket.terminate();
  over.addEventListener('abort', stop, { once: true });
  let heardAt = performance.now();
  const onGood = () => {
    heardAt = performance.now();
    ledger.done(kind);
  };
  const watch = setInterval(() => {
    if (performance.now() - heardAt < PATIENCE_MS) return;
    fail(`nothing came for ${PATIENCE_MS / 1_000} s`);
    socket.terminate();
  }, 1_000);
  begin({ socket, onGood, onBad: fail });
  return new Promise((resolve) => {
    socket.on('error', (error) => {
      if (!over.aborted) fail(error.message);
    });
    socket.on('close', (code) => {
      clearInterval(watch);
      over.removeEventListener('abort', stop);
      if (code === GOING_AWAY) ledger.tally(kind).endedProperly += 1;
      else if (!over.aborted) fail(`closed with ${code}`);
      resolve();
    });
  });
}
