import { createHash } from 'node:crypto';
import { BrokenExchange, HttpConnection, type HttpReply } from './http-connection.ts';
import { type Lane, rest, versionIn } from './lane.ts';
import type { Kind } from './ledger.ts';
import { LARGE_BYTES } from './load-app.ts';

const PART = Buffer.alloc(1_024, 'u');
const PAUSE_MS = 250;
// Of what a slow reader reads in one go there are about so many.
const READS = 60;

type Transfer = (connection: HttpConnection, lane: Lane) => Promise<void>;

/** Sends a body at 4 KiB/s, then reads what the app took it for. */
export function slowUploadLane(lane: Lane): Promise<void> {
  return repeat(lane, 'slow upload', async (connection, { plan, over }) => {
    const parts = Array.from({ length: plan.slowParts }, () => PART);
    const length = parts.length * PART.length;
    connection.write(`POST ${plan.server}/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n\r\n`);
    for (const part of parts) {
      connection.write(part);
      await rest(PAUSE_MS, over);
    }
    const reply = good(await connection.reply());
    const text = reply.body.toString();
    if (versionIn(reply.body) === undefined || !text.endsWith(hashOf(Buffer.concat(parts))))
      throw new BrokenExchange(`echoed ${text}`);
  });
}

/** Reads a body that comes at 4 KiB/s. */
export function slowDownloadLane(lane: Lane): Promise<void> {
  return repeat(lane, 'slow download', async (connection, { plan }) => {
    connection.write(`GET ${plan.server}/trickle/${plan.slowParts} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    const { body } = good(await connection.reply());
    if (body.length !== plan.slowParts * PART.length) throw new BrokenExchange(`${body.length} bytes came`);
  });
}

/** Reads a large body slowly, so that it waits in every buffer on its way. */
export function slowReaderLane(lane: Lane): Promise<void> {
  return repeat(lane, 'slow reader', async (connection, { plan }) => {
    const { socket } = connection;
    const timer = setInterval(() => socket.resume(), (plan.slowParts * PAUSE_MS) / READS);
    try {
      connection.write(`GET ${plan.server}/large HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      socket.on('data', () => socket.pause());
      const { body } = good(await connection.reply());
      if (body.length !== LARGE_BYTES) throw new BrokenExchange(`${body.length} bytes came`);
    } finally {
      clearInterval(timer);
    }
  });
}

async function repeat(lane: Lane, kind: Kind, transfer: Transfer): Promise<void> {
  const { plan, ledger, over } = lane;
  while (!over.aborted) {
    ledger.tally(kind).connections += 1;
    let localPort = 0;
    const openedAt = Date.now();
    try {
      const connection = await HttpConnection.open(plan.port);
      localPort = connection.localPort;
      await transfer(connection, lane).finally(() => connection.close());
      ledger.done(kind);
    } catch (error) {
      ledger.failed({ kind, localPort, openedAt, why: (error as Error).message });
      await rest(10, over);
    }
  }
}

function good(reply: HttpReply): HttpReply {
  if (reply.status !== 200) throw new BrokenExchange(`answered ${reply.status} ${reply.body.toString().slice(0, 100)}`);
  return reply;
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
