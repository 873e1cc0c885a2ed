// Requests per second of one gateway beside nginx and a plain `http.request` proxy, in one run on this machine: `npm run bench`.
// Loopback only, a few seconds a row. wrk makes the load where it is installed, else a loader of our own (which costs more). CPU
// time a request (Linux) says more than requests a second on a machine that has other things to do.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startGateway } from '../src/gateway/gateway.ts';
import { createRoutes } from '../test/integration/gateway-testbed.ts';
import { benchGatewayConfig } from './gateway-config.ts';
import { type Figure, printReport } from './report.ts';

const SECONDS = Number(process.env.BENCH_SECONDS ?? 3);
const WARM_UP_SECONDS = 2;
const CONNECTIONS = 64;
const ROUTES = 10_000;
const BODY = 'x'.repeat(1024);
const HOST = 'bench.localhost';
const PROXYING = `gateway, proxying, ${ROUTES} routes`;
const PLAIN = 'plain http.request proxy';
const NGINX = 'nginx, proxying';
const MISSING: Readonly<Record<string, string>> = {
  nginx: 'nothing is compared with it, and the upstream is a node:http server, which limits all rows',
  wrk: 'the load comes from a loader of our own, which takes more of the machine than what it measures',
};

interface Result {
  readonly perSecond: number;
  readonly p99: string;
}

const roles: Readonly<Record<string, () => Promise<void> | void>> = { upstream, plain, gateway };
const [role] = process.argv.slice(2).filter((argument) => argument !== '--json');
if (role === undefined) await compare();
else await roles[role]?.();

async function compare(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'bench-'));
  const children: ChildProcess[] = [];
  try {
    const hasNginx = await isInstalled('nginx', '-v');
    const hasWrk = await isInstalled('wrk', '-v');
    const files = makeFiles(dir);
    const upstreamPort = hasNginx ? await startNginx(dir, files, children) : await startRole('upstream', {}, children);
    const plainPort = await startRole('plain', { UPSTREAM: String(upstreamPort) }, children);
    const plainPid = children.at(-1)?.pid;
    const gatewayPort = await startRole(
      'gateway',
      { UPSTREAM: String(upstreamPort), DIR: dir, FILES: files },
      children,
    );
    const gatewayPid = children.at(-1)?.pid;
    const load = hasWrk ? loadWithWrk : loadWithSockets;
    const rows: Row[] = [
      { name: 'direct to the upstream', port: upstreamPort, path: '/' },
      { name: PLAIN, port: plainPort, path: '/', pid: plainPid },
      { name: PROXYING, port: gatewayPort, path: '/app/', pid: gatewayPid },
      { name: 'gateway, static 1 KiB', port: gatewayPort, path: '/static/file.txt', pid: gatewayPid },
    ];
    if (hasNginx) {
      const port = upstreamPort + 1;
      rows.splice(
        1,
        0,
        { name: NGINX, port, path: '/' },
        { name: 'nginx, static 1 KiB', port, path: '/static/file.txt' },
      );
    }
    for (const [program, isThere] of Object.entries({ nginx: hasNginx, wrk: hasWrk })) {
      if (!isThere)
        console.error(
          `!! ${program} is not installed: ${MISSING[program]}. On Debian: apt-get install -y ${program === 'nginx' ? 'nginx-light' : program}`,
        );
    }
    const title = `gateway: ${CONNECTIONS} connections, ${SECONDS} s a row after ${WARM_UP_SECONDS} s of warming up, 1 KiB bodies, upstream ${hasNginx ? 'nginx' : 'node:http'}, load by ${hasWrk ? 'wrk' : 'own loader'}`;
    printReport({ part: 'gateway', title, figures: await measure(rows, load) });
  } finally {
    for (const child of children) child.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  }
}

type Load = (port: number, path: string, seconds: number) => Promise<Result>;

interface Row {
  readonly name: string;
  readonly port: number;
  readonly path: string;
  readonly pid?: number | undefined;
}

async function measure(rows: readonly Row[], load: Load): Promise<readonly Figure[]> {
  const rates = new Map<string, number>();
  const costs = new Map<string, number>();
  const figures: Figure[] = [];
  for (const { name, port, path, pid } of rows) {
    await load(port, path, WARM_UP_SECONDS);
    const before = cpuSeconds(pid);
    const { perSecond, p99 } = await load(port, path, SECONDS);
    const cost = ((cpuSeconds(pid) - before) * 1e6) / (perSecond * SECONDS);
    rates.set(name, perSecond);
    costs.set(name, cost);
    const note = `p99 ${p99}${cost > 0 ? `, ${cost.toFixed(0)} µs CPU a request` : ''}`;
    figures.push({ name, value: Math.round(perSecond), unit: 'requests/s', note });
  }
  const ratio = (other: string) => (rates.get(PROXYING) ?? 0) / (rates.get(other) ?? Number.NaN);
  const saved = (costs.get(PLAIN) ?? 0) / (costs.get(PROXYING) ?? Number.NaN);
  figures.push({ name: 'gateway / plain proxy', value: ratio(PLAIN), unit: 'x', goal: { atLeast: 1.5 } });
  figures.push({ name: 'plain proxy / gateway, CPU a request', value: saved, unit: 'x' });
  if (rates.has(NGINX)) figures.push({ name: 'gateway / nginx', value: ratio(NGINX), unit: 'x' });
  return figures;
}

/** What a process has used so far, as the kernel counts it; 0 where that can't be read. */
function cpuSeconds(pid: number | undefined): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0;
  }
}

function makeFiles(dir: string): string {
  const files = join(dir, 'files');
  mkdirSync(join(files, 'static'), { recursive: true });
  writeFileSync(join(files, 'static/file.txt'), BODY);
  return files;
}

/** nginx as upstream on the port that is given, and as proxy in front of itself on the next. */
async function startNginx(dir: string, files: string, children: ChildProcess[]): Promise<number> {
  const port = await twoFreePorts();
  const config = join(dir, 'nginx.conf');
  writeFileSync(
    config,
    `daemon off; master_process off; pid ${dir}/nginx.pid; error_log /dev/null;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path ${dir}/b; proxy_temp_path ${dir}/p; fastcgi_temp_path ${dir}/f; uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s;
  upstream up { server 127.0.0.1:${port}; keepalive 64; keepalive_requests 1000000000; }
  server { listen 127.0.0.1:${port}; default_type text/plain; location / { return 200 "${BODY}"; } }
  server { listen 127.0.0.1:${port + 1}; root ${files}; location /static/ { } location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; } }
}`,
  );
  const child = spawn('nginx', ['-c', config, '-p', dir, '-e', '/dev/null'], { stdio: 'ignore' });
  children.push(child);
  await untilListening(port + 1);
  return port;
}

async function startRole(name: string, variables: Record<string, string>, children: ChildProcess[]): Promise<number> {
  const child = spawn(process.execPath, [import.meta.filename, name], {
    env: { ...process.env, ...variables },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return Number(line);
}

async function upstream(): Promise<void> {
  const server = createServer((_request, response) => response.end(BODY)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  console.log((server.address() as AddressInfo).port);
}

async function plain(): Promise<void> {
  const agent = new Agent({ keepAlive: true });
  const port = Number(process.env.UPSTREAM);
  const server = createServer((incoming, response) => {
    const { url: path, method, headers } = incoming;
    const outgoing = request({ agent, host: '127.0.0.1', port, path, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    outgoing.on('error', () => response.destroy());
    incoming.pipe(outgoing);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  console.log((server.address() as AddressInfo).port);
}

async function gateway(): Promise<void> {
  const dir = process.env.DIR ?? '';
  const database = createRoutes(join(dir, 'mainspring.db'));
  const insert = database.prepare('INSERT INTO routes VALUES (?, ?, ?, ?, ?, ?)');
  const put = (path: string, generation: number, target: object) =>
    insert.run(
      HOST,
      path,
      generation,
      'prod',
      path,
      JSON.stringify({ instance: `i-${generation}`, target, stripPath: false, noindex: false }),
    );
  const http = { kind: 'http', url: `http://127.0.0.1:${process.env.UPSTREAM}`, external: false };
  database.transaction(() => {
    for (let at = 0; at < ROUTES - 2; at += 1) put(`/team-${at % 100}/app-${at}`, at + 1, http);
    put('/app', ROUTES, http);
    put('/static', ROUTES + 1, {
      kind: 'static',
      root: join(process.env.FILES ?? '', 'static'),
      index: 'index.html',
      fallback: null,
    });
  })();
  const running = await startGateway(benchGatewayConfig(dir), { id: 'bench', pid: process.pid, log: () => {} });
  console.log(running.addresses[0]?.port);
}

async function loadWithWrk(port: number, path: string, seconds: number): Promise<Result> {
  const args = [
    '-t1',
    `-c${CONNECTIONS}`,
    `-d${seconds}s`,
    '--latency',
    '-H',
    `Host: ${HOST}`,
    `http://127.0.0.1:${port}${path}`,
  ];
  const { stdout } = await promisify(execFile)('wrk', args);
  if (/Non-2xx/.test(stdout)) throw new Error(stdout);
  return {
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]),
    p99: /99%\s+(\S+)/.exec(stdout)?.[1] ?? '',
  };
}

async function loadWithSockets(port: number, path: string, seconds: number): Promise<Result> {
  const end = performance.now() + seconds * 1_000;
  const times: number[] = [];
  const lanes = Array.from({ length: CONNECTIONS }, () => oneLane(port, path, end, times));
  await Promise.all(lanes);
  times.sort((a, b) => a - b);
  return { perSecond: times.length / seconds, p99: `${(times[Math.floor(times.length * 0.99)] ?? 0).toFixed(2)}ms` };
}

/** One keep-alive connection, one request at a time. An answer is whole when its body is, which the length says. */
function oneLane(port: number, path: string, end: number, times: number[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const bytes = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    let startedAt = 0;
    let text = '';
    const ask = () => {
      startedAt = performance.now();
      text = '';
      socket.write(bytes);
    };
    socket
      .on('connect', ask)
      .on('error', reject)
      .on('close', () => resolve());
    socket.on('data', (data) => {
      text += data.toString('latin1');
      const head = text.indexOf('\r\n\r\n');
      if (head < 0 || text.length < head + 4 + BODY.length) return;
      if (!text.startsWith('HTTP/1.1 200')) reject(new Error(text));
      times.push(performance.now() - startedAt);
      if (performance.now() < end) ask();
      else socket.end();
    });
  });
}

async function isInstalled(program: string, argument: string): Promise<boolean> {
  const child = spawn(program, [argument], { stdio: 'ignore' });
  return Promise.race([once(child, 'exit').then(() => true), once(child, 'error').then(() => false)]).catch(
    () => false,
  );
}

async function twoFreePorts(): Promise<number> {
  for (;;) {
    const server = createTcpServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const next = createTcpServer().listen(port + 1, '127.0.0.1');
    const isFree = await Promise.race([
      once(next, 'listening').then(() => true),
      once(next, 'error').then(() => false),
    ]);
    server.close();
    if (isFree) next.close();
    await once(server, 'close');
    if (isFree) return port;
  }
}

async function untilListening(port: number): Promise<void> {
  const deadline = performance.now() + 5_000;
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isUp = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (isUp) return;
    if (performance.now() > deadline) throw new Error(`nothing listens on ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
