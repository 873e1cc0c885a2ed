import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { median } from '../report.ts';
import { cpuSeconds } from './children.ts';
import { type Ask, type Contender, FILES, HOST, LARGE_BYTES } from './contender.ts';
import { loadWebSockets, loadWithSockets, type Measured, timeFirstBytes } from './lanes.ts';

/** A contender's figures for one ask. */
export interface Row extends Measured {
  readonly name: string;
  /** Microseconds of processor time a request, of all its processes. */
  readonly cpuMicros: number;
}

/** How long, how often, and by what. */
export interface Effort {
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
  readonly hasWrk: boolean;
  /** For scripts of wrk. */
  readonly dir: string;
}

/** Measures all who do it, in turns, so that what else the machine does hits all alike. Each warms up first. */
export async function measureAsk(ask: Ask, contenders: readonly Contender[], effort: Effort): Promise<Row[]> {
  const who = contenders.filter(({ does }) => does.includes(ask));
  const seen = who.map((): (Measured & { cpuMicros: number })[] => []);
  for (const one of who) await once(ask, one, { ...effort, seconds: 1 });
  for (let round = 0; round < effort.rounds; round += 1)
    for (const [at, one] of who.entries()) seen[at]?.push(await once(ask, one, effort));
  return who.map(({ name }, at) => {
    const of = (key: keyof Measured | 'cpuMicros') => median((seen[at] ?? []).map((one) => one[key]));
    return { name, perSecond: of('perSecond'), p50: of('p50'), p99: of('p99'), cpuMicros: of('cpuMicros') };
  });
}

async function once(ask: Ask, contender: Contender, effort: Effort): Promise<Measured & { cpuMicros: number }> {
  const before = cpuSeconds(contender.pids);
  const measured = await load(ask, contender, effort);
  const used = cpuSeconds(contender.pids) - before;
  return { ...measured, cpuMicros: (used * 1e6) / (measured.perSecond * effort.seconds) };
}

async function load(ask: Ask, { name, port }: Contender, effort: Effort): Promise<Measured> {
  const prefix = name.startsWith('gateway') ? '/app' : '';
  const { seconds, connections } = effort;
  if (ask === 'websocket') return loadWebSockets(port, seconds, connections);
  const path = { 'static 1 KiB': FILES.small, 'static 1 MiB': FILES.large, '100 KiB both ways': `${prefix}/both` }[
    ask as string
  ];
  const question = {
    port,
    path: path ?? `${prefix}/`,
    body: ask === '100 KiB both ways',
    isKept: ask !== 'new connections',
  };
  if (ask === 'first byte') {
    const times = await timeFirstBytes(port, bytesOf(question), 200);
    return { perSecond: 200 / seconds, p50: median(times), p99: median(times) };
  }
  return effort.hasWrk
    ? loadWithWrk(question, effort)
    : loadWithSockets(port, bytesOf(question), { ...effort, ...question });
}

interface Question {
  readonly port: number;
  readonly path: string;
  readonly body: boolean;
  readonly isKept: boolean;
}

function bytesOf({ path, body, isKept }: Question): Buffer {
  const lines = [`${body ? 'POST' : 'GET'} ${path} HTTP/1.1`, `Host: ${HOST}`];
  if (body) lines.push(`Content-Length: ${LARGE_BYTES}`);
  if (!isKept) lines.push('Connection: close');
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body ? 'x'.repeat(LARGE_BYTES) : ''}`);
}

async function loadWithWrk({ port, path, body, isKept }: Question, effort: Effort): Promise<Measured> {
  const { seconds, connections, dir } = effort;
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', '-H', `Host: ${HOST}`];
  if (!isKept) args.push('-H', 'Connection: close');
  if (body) {
    const script = join(dir, 'post.lua');
    writeFileSync(script, `wrk.method = "POST"\nwrk.body = string.rep("x", ${LARGE_BYTES})\n`);
    args.push('-s', script);
  }
  const { stdout } = await promisify(execFile)('wrk', [...args, `http://127.0.0.1:${port}${path}`]);
  const errors =
    /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(stdout)?.slice(1).map(Number) ?? [];
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  // A few connections that end when the time is over are among them; with connections that end after each answer, all their ends.
  const isBad = isKept && errors.reduce((sum, count) => sum + count, 0) > requests / 100;
  if (/Non-2xx/.test(stdout) || isBad || !(requests > 0)) throw new Error(`${path}: ${stdout}`);
  return {
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]),
    p50: millis(/50%\s+(\S+)/.exec(stdout)?.[1]),
    p99: millis(/99%\s+(\S+)/.exec(stdout)?.[1]),
  };
}

function millis(text = ''): number {
  const [, value = 'NaN', unit = ''] = /^([\d.]+)(us|ms|s)$/.exec(text) ?? [];
  return Number(value) * ({ us: 0.001, ms: 1, s: 1_000 }[unit] ?? Number.NaN);
}
