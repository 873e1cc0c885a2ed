// 1,000 clients that send a byte a second, half of them heads, half of them bodies: what the others have of it.
// Every process is one of its own; rounds with and without slow senders alternate, so that both meet the same machine.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startGateway } from '../src/gateway/gateway.ts';
import { createRoutes } from '../test/integration/gateway/testbed.ts';
import { gatewayConfigIn } from '../test/support/gateway-config.ts';
import { printReport, quantile } from './report.ts';

const SLOW = 1_000;
const ROUNDS = 6;
const ROUND_MS = 5_000;
const LANES = 20;
const PAUSE_MS = 10;
const ANSWER = 'x'.repeat(1_024);

const roles: Readonly<Record<string, () => Promise<void>>> = { upstream, gateway, slow };
await (roles[process.argv[2] ?? ''] ?? main)();

async function main(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'slow-senders-'));
  const children: ChildProcess[] = [];
  try {
    const [, up] = await start('upstream', {}, children);
    const [, port] = await start('gateway', { DIR: dir, UPSTREAM: String(up) }, children);
    await round(port, 1_000);
    const without: number[] = [];
    const beside: number[] = [];
    for (let at = 0; at < ROUNDS; at += 1) {
      without.push(...(await round(port, ROUND_MS)));
      const [slow] = await start('slow', { PORT: String(port) }, children);
      beside.push(...(await round(port, ROUND_MS)));
      slow.kill();
      await once(slow, 'exit');
    }
    report(without, beside);
  } finally {
    for (const child of children) child.kill();
    rmSync(dir, { recursive: true, force: true });
  }
}

function report(without: readonly number[], beside: readonly number[]): void {
  const [alone, together] = [quantile(without, 0.99), quantile(beside, 0.99)];
  printReport({
    part: 'slow-senders',
    title: `${SLOW} clients that send a byte a second, beside ${LANES} that ask every ${PAUSE_MS} ms, ${ROUNDS} rounds each`,
    figures: [
      { name: 'median without them', value: quantile(without, 0.5), unit: 'ms', note: `${without.length} requests` },
      { name: 'median beside them', value: quantile(beside, 0.5), unit: 'ms', note: `${beside.length} requests` },
      { name: 'p99 without them', value: alone, unit: 'ms' },
      { name: 'p99 beside them', value: together, unit: 'ms' },
      { name: 'p99 beside them / without', value: together / alone, unit: '', goal: { atMost: 2 } },
      { name: 'longest without them', value: Math.max(...without), unit: 'ms' },
      { name: 'longest beside them', value: Math.max(...beside), unit: 'ms' },
    ],
  });
}

/** Asks by kept connections, each with a pause between; gives how long every answer took. One that fails ends the bench. */
async function round(port: number, ms: number): Promise<number[]> {
  const times: number[] = [];
  const end = performance.now() + ms;
  await Promise.all(Array.from({ length: LANES }, () => lane(port, end, times)));
  return times;
}

function lane(port: number, end: number, times: number[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let begun = 0;
    let text = '';
    const ask = () => {
      text = '';
      begun = performance.now();
      socket.write('GET /app HTTP/1.1\r\nHost: a\r\n\r\n');
    };
    socket
      .on('connect', ask)
      .on('error', reject)
      .on('close', () => resolve());
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      const head = text.indexOf('\r\n\r\n');
      if (head < 0 || text.length < head + 4 + ANSWER.length) return;
      if (!text.startsWith('HTTP/1.1 200')) reject(new Error(text.slice(0, 200)));
      times.push(performance.now() - begun);
      if (performance.now() > end) socket.end();
      else setTimeout(ask, PAUSE_MS);
    });
  });
}

async function start(
  role: string,
  variables: Record<string, string>,
  children: ChildProcess[],
): Promise<[ChildProcess, number]> {
  const child = spawn(process.execPath, [import.meta.filename, role], {
    env: { ...process.env, ...variables },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return [child, Number(line)];
}

async function upstream(): Promise<void> {
  const server = createServer((_request, response) => response.end(ANSWER)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  console.log((server.address() as AddressInfo).port);
}

async function gateway(): Promise<void> {
  const dir = process.env.DIR ?? '';
  const target = { kind: 'http', url: `http://127.0.0.1:${process.env.UPSTREAM}`, external: false };
  const serve = JSON.stringify({ instance: 'i', target, stripPath: false, noindex: false });
  createRoutes(join(dir, 'mainspring.db'))
    .prepare('INSERT INTO routes (host, path, generation, env, app, serve) VALUES (?, ?, ?, ?, ?, ?)')
    .run('a', '/app', 1, 'prod', '/app', serve);
  const running = await startGateway(
    gatewayConfigIn(dir, {
      // As the settings have them by default.
      limits: {
        headerBytes: 32_768,
        targetBytes: 8_192,
        headerTimeoutMs: 10_000,
        hookBodyBytes: 5_242_880,
        connections: 10_000,
        peerConnections: 2_500,
        headerCount: 200,
        bodyTimeoutMs: 60_000,
      },
    }),
    { id: 'bench', pid: process.pid, log: () => {} },
  );
  console.log(running.addresses[0]?.port);
}

/** Says so when all are connected. Who is cut off, as heads are after their time, comes again. */
async function slow(): Promise<void> {
  const port = Number(process.env.PORT);
  const head = `GET /app HTTP/1.1\r\nHost: a\r\nX-Slow: ${'x'.repeat(10_000)}`;
  const body = `POST /app HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n`;
  const connectOne = (kind: 'head' | 'body') => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let at = 0;
    if (kind === 'body') socket.write(body);
    const timer = setInterval(() => socket.write(kind === 'body' ? 'x' : (head[at++] ?? 'x')), 1_000);
    socket
      .on('error', () => {})
      .on('close', () => {
        clearInterval(timer);
        connectOne(kind);
      });
    socket.resume();
    return once(socket, 'connect');
  };
  for (let at = 0; at < SLOW; at += 1) {
    await connectOne(at % 2 === 0 ? 'head' : 'body');
    // Spread over the second, as strangers are.
    if (at % 10 === 0) await sleep(5);
  }
  console.log(SLOW);
}
