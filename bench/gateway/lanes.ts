import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { median, quantile } from '../report.ts';
import { HOST } from './contender.ts';

/** What a load came to. */
export interface Measured {
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** A question, as bytes, and how many bytes of an answer end it; null: its head says. */
interface Question {
  readonly bytes: Buffer;
  readonly answerBytes: number | null;
}

/** Loads by sockets of this process, where wrk is missing: costs more than what it measures. */
export async function loadWithSockets(
  port: number,
  bytes: Buffer,
  { seconds, connections, isKept }: { seconds: number; connections: number; isKept: boolean },
): Promise<Measured> {
  const times: number[] = [];
  const end = performance.now() + seconds * 1_000;
  const lane = async () => {
    while (performance.now() < end) {
      const socket = await open(port);
      do {
        times.push(await ask(socket, { bytes, answerBytes: null }));
      } while (isKept && performance.now() < end);
      socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: connections }, lane));
  return { perSecond: times.length / seconds, p50: median(times), p99: quantile(times, 0.99) };
}

/** Messages of 64 bytes over WebSockets, each answered before the next. */
export async function loadWebSockets(port: number, seconds: number, connections: number): Promise<Measured> {
  const times: number[] = [];
  const end = performance.now() + seconds * 1_000;
  const lane = async () => {
    const socket = await open(port);
    const head = `GET /ws HTTP/1.1\r\nHost: ${HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;
    await ask(socket, { bytes: Buffer.from(head), answerBytes: null }, 101);
    // A masked text message of 64 bytes, and its echo: a head of two bytes and 64.
    const frame = Buffer.concat([Buffer.from([0x81, 0x80 | 64, 1, 2, 3, 4]), Buffer.alloc(64, 'm')]);
    while (performance.now() < end) times.push(await ask(socket, { bytes: frame, answerBytes: 66 }));
    socket.destroy();
  };
  await Promise.all(Array.from({ length: connections }, lane));
  return { perSecond: times.length / seconds, p50: median(times), p99: quantile(times, 0.99) };
}

/** Milliseconds until the first byte of an answer, one request at a time on one connection, a few milliseconds apart. */
export async function timeFirstBytes(port: number, bytes: Buffer, count: number): Promise<number[]> {
  const socket = await open(port);
  const times: number[] = [];
  for (let at = 0; at < count; at += 1) {
    let first = 0;
    socket.once('data', () => {
      first = performance.now();
    });
    const began = performance.now();
    await ask(socket, { bytes, answerBytes: null });
    times.push(first - began);
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  socket.destroy();
  return times;
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  await once(socket, 'connect');
  return socket;
}

/** Resolves when the whole answer is there, with the milliseconds it took. */
function ask(socket: Socket, { bytes, answerBytes }: Question, status = 200): Promise<number> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    let wanted = answerBytes;
    let text = '';
    let got = 0;
    const failed = () => reject(new Error(`the connection was closed after "${text.slice(0, 200)}"`));
    const take = (data: Buffer) => {
      got += data.length;
      if (wanted === null) {
        text += data.toString('latin1');
        const length = lengthOf(text, status);
        if (length === undefined) return fail(new Error(text.slice(0, 200)));
        wanted = length;
      }
      if (wanted === null || got < wanted) return;
      socket.off('data', take).off('close', failed).off('error', fail);
      resolve(performance.now() - began);
    };
    const fail = (error: Error) => {
      socket.off('data', take).off('close', failed).off('error', fail);
      reject(error);
    };
    socket.on('data', take).on('close', failed).on('error', fail);
    socket.write(bytes);
  });
}

/** Head and body; null while the head is not whole, undefined when it is not what was asked for. */
function lengthOf(text: string, status: number): number | null | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return null;
  if (!text.startsWith(`HTTP/1.1 ${status} `)) return undefined;
  const [, length = '0'] = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end)) ?? [];
  return end + 4 + Number(length);
}
