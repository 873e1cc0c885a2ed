// What 1 GiB up and 1 GiB down through one gateway process cost in memory: `npm run bench -- streams` (Linux only). Sized and chunked
// bodies, one after the other and all at once, and a client that reads slowly.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startGateway } from '../src/gateway/gateway.ts';
import { createRoutes } from '../test/integration/gateway/testbed.ts';
import { gatewayConfigIn, LIMITS } from '../test/support/gateway-config.ts';
import { memoryOf } from './process-memory.ts';
import { type Figure, printReport } from './report.ts';
import { inWorkplace, type Workplace } from './workplace.ts';

const MIB = 1024 ** 2;
const TOTAL = Number(process.env.BENCH_MIB ?? 1024) * MIB;
const SIZE = `${TOTAL / MIB} MiB`;
const BLOCK = Buffer.alloc(256 * 1024, 'x');
const HOST = 'bench.localhost';
const GOAL_MIB = 50;
const SAMPLE_MS = 50;
/** A reader that takes a read and then rests, for so long in all. */
const SLOW_MS = 5_000;
const SLOW_STEP_MS = 5;
/** Limits that no part comes to. */
const WIDE = {
  ...LIMITS,
  headerTimeoutMs: 10_000,
  hookBodyBytes: 1_000_000,
  connections: 10_000,
  peerConnections: 100_000,
  headerCount: 1_000,
};

const roles: Readonly<Record<string, () => Promise<void>>> = { upstream, gateway };
const role = process.env.BENCH_ROLE;
if (role === undefined) await inWorkplace(compare);
else await roles[role]?.();

async function compare(at: Workplace): Promise<void> {
  const app = await startRole(at, 'upstream', {});
  const { port, pid } = await startRole(at, 'gateway', { UPSTREAM: String(app.port), DIR: at.dir });
  for (let round = 0; round < 200; round += 1) await download(port, '/app/small', 'length', 1);
  await wait(2_000);
  const before = memoryOf(pid).rss;
  const parts: readonly [string, () => Promise<unknown>][] = [
    [`${SIZE} down, sized`, () => download(port, '/app/down', 'length', TOTAL)],
    [`${SIZE} down, chunked`, () => download(port, '/app/down-chunked', 'chunked', TOTAL)],
    [`${SIZE} up, sized`, () => upload(port, 'length', TOTAL)],
    [`${SIZE} up, chunked`, () => upload(port, 'chunked', TOTAL)],
    [
      `${SIZE} up and ${SIZE} down at once`,
      () => Promise.all([download(port, '/app/down', 'length', TOTAL), upload(port, 'length', TOTAL)]),
    ],
    [`a reader that takes ${SLOW_MS / 1_000} s for a part of ${SIZE}`, () => readSlowly(port)],
  ];
  const figures: Figure[] = [{ name: 'gateway before, RSS', value: before, unit: 'MiB' }];
  for (const [name, run] of parts) {
    const begun = performance.now();
    const peak = await peakWhile(pid, run);
    const seconds = (performance.now() - begun) / 1_000;
    figures.push({
      name: `${name}: more memory at most`,
      value: peak - before,
      unit: 'MiB',
      goal: { atMost: GOAL_MIB },
      note: `${seconds.toFixed(1)} s`,
    });
  }
  printReport({ part: 'streams', title: `streams: ${SIZE} through one gateway process`, figures });
}

async function peakWhile(pid: number, run: () => Promise<unknown>): Promise<number> {
  let peak = memoryOf(pid).rss;
  const timer = setInterval(() => {
    peak = Math.max(peak, memoryOf(pid).rss);
  }, SAMPLE_MS);
  try {
    await run();
  } finally {
    clearInterval(timer);
  }
  return Math.max(peak, memoryOf(pid).rss);
}

/** Reads an answer to its end and checks that all of the content came. */
async function download(port: number, path: string, framing: 'length' | 'chunked', bytes: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.write(`GET ${path}?${bytes} HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`);
  let received = 0;
  for await (const data of socket) received += (data as Buffer).length;
  if (received < bytes) throw new Error(`${received} of ${bytes} bytes came (${framing})`);
}

/** Sends a body and checks that the app got all of it. */
async function upload(port: number, framing: 'length' | 'chunked', bytes: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  const lines = framing === 'length' ? `Content-Length: ${bytes}` : 'Transfer-Encoding: chunked';
  socket.write(`POST /app/up HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n${lines}\r\n\r\n`);
  const size = `${BLOCK.length.toString(16)}\r\n`;
  for (let sent = 0; sent < bytes; sent += BLOCK.length) {
    if (framing === 'chunked') socket.write(size);
    const isRoom = socket.write(BLOCK);
    if (framing === 'chunked') socket.write('\r\n');
    if (!isRoom) await once(socket, 'drain');
  }
  if (framing === 'chunked') socket.write('0\r\n\r\n');
  let text = '';
  for await (const data of socket) text += String(data);
  if (!text.endsWith(`got ${bytes}`)) throw new Error(`the app did not get ${bytes} bytes: ${text}`);
}

async function readSlowly(port: number): Promise<void> {
  const socket: Socket = connect(port, '127.0.0.1');
  socket.write(`GET /app/down?${TOTAL} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
  const end = performance.now() + SLOW_MS;
  socket.on('data', () => {
    socket.pause();
    setTimeout(() => socket.resume(), SLOW_STEP_MS);
  });
  while (performance.now() < end) await wait(SAMPLE_MS);
  socket.destroy();
}

async function upstream(): Promise<void> {
  const server = createServer((request, response) => {
    if (request.method === 'POST') {
      let got = 0;
      request.on('data', (data: Buffer) => {
        got += data.length;
      });
      request.on('end', () => response.end(`got ${got}`));
      return;
    }
    const total = Number(request.url?.split('?')[1] ?? 0);
    if (request.url?.startsWith('/app/down-chunked') !== true) response.setHeader('Content-Length', total);
    let sent = 0;
    const push = () => {
      while (sent < total) {
        const block = BLOCK.subarray(0, Math.min(BLOCK.length, total - sent));
        sent += block.length;
        if (!response.write(block)) return void response.once('drain', push);
      }
      response.end();
    };
    push();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  console.log((server.address() as AddressInfo).port);
}

async function gateway(): Promise<void> {
  const dir = process.env.DIR ?? '';
  const database = createRoutes(join(dir, 'mainspring.db'));
  const target = { kind: 'http', url: `http://127.0.0.1:${process.env.UPSTREAM}`, external: false };
  const serve = { instance: 'i-1', target, stripPath: false, noindex: false };
  database
    .prepare('INSERT INTO routes (host, path, generation, env, app, serve) VALUES (?, ?, ?, ?, ?, ?)')
    .run(HOST, '/app', 1, 'prod', '/app', JSON.stringify(serve));
  const running = await startGateway(gatewayConfigIn(dir, { limits: WIDE }), {
    id: 'bench',
    pid: process.pid,
    log: () => {},
  });
  console.log(running.addresses[0]?.port);
}

async function startRole(at: Workplace, name: string, variables: Record<string, string>) {
  const child: ChildProcess = spawn(process.execPath, [import.meta.filename], {
    env: { ...process.env, ...variables, BENCH_ROLE: name },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  at.atEnd(() => child.kill('SIGKILL'));
  const [line] = (await once(child.stdout as NonNullable<typeof child.stdout>, 'data')) as [Buffer];
  return { port: Number(line), pid: child.pid ?? 0 };
}
