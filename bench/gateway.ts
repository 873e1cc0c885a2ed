// The gateway beside nginx, haproxy, Caddy and a plain `http.request` proxy, in one run on this machine: `npm run bench -- gateway`. All
// share its cores with wrk and the upstream, on loopback, in turns. docs/performance.md says how each is configured.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isInstalled } from './gateway/children.ts';
import { type Ask, type Backends, type Contender, PROXYING, SMALL } from './gateway/contender.ts';
import { measureAsk, type Row } from './gateway/measure.ts';
import { startNginxBackend, startNginxProxy } from './gateway/nginx.ts';
import { startCaddy, startHaproxy } from './gateway/others.ts';
import { startOurs, startRole } from './gateway/ours.ts';
import { type Figure, printReport } from './report.ts';
import { inWorkplace, type Workplace } from './workplace.ts';

const SECONDS = Number(process.env.BENCH_SECONDS ?? 2);
/** More where there is a goal. */
const ROUNDS = 1;
const GOAL_ROUNDS = 3;
const CONNECTIONS = 64;
const PLAIN = 'plain http.request proxy';
const ONE = 'gateway, 1 process, 10,000 routes';
const TWO = 'gateway, 2 processes, 10,000 routes';
const FEW = 'gateway, 1 process, 10 routes';
const MANY = 'gateway, 1 process, 100,000 routes';
const NGINX = 'nginx, 2 workers';
const ASKS: readonly Ask[] = [
  'proxy',
  'static 1 KiB',
  'static 1 MiB',
  '100 KiB both ways',
  'new connections',
  'websocket',
  'first byte',
];
const MISSING: Readonly<Record<string, string>> = {
  nginx: 'nothing is compared with it, and the upstream is a node:http server, which limits all rows',
  haproxy: 'it has no rows',
  caddy: 'it has no rows',
  wrk: 'the load comes from a loader of our own, which takes more of the machine than what it measures',
};

await inWorkplace(async (at) => {
  const has = await findPrograms();
  const contenders = await startAll(at, has);
  const effort = { seconds: SECONDS, connections: CONNECTIONS, hasWrk: has.wrk, dir: at.dir };
  const figures: Figure[] = [];
  for (const ask of ASKS) {
    const rounds = ask === 'proxy' || ask === 'static 1 KiB' ? GOAL_ROUNDS : ROUNDS;
    const rows = await measureAsk(ask, contenders, { ...effort, rounds });
    figures.push(...rows.map((row) => figureOf(ask, row)), ...goalsOf(ask, rows));
  }
  printReport({
    part: 'gateway',
    title: `gateway: ${CONNECTIONS} connections, ${GOAL_ROUNDS} rounds of ${SECONDS} s where there is a goal, else ${ROUNDS}, after 1 s of warming up, in turns; upstream ${has.nginx ? 'nginx' : 'node:http'}, load by ${has.wrk ? 'wrk' : 'own loader'}`,
    figures,
  });
});

async function findPrograms() {
  const has = {
    nginx: await isInstalled('nginx', '-v'),
    haproxy: await isInstalled('haproxy', '-v'),
    caddy: await isInstalled('caddy', 'version'),
    wrk: await isInstalled('wrk', '-v'),
  };
  for (const [program, isThere] of Object.entries(has))
    if (!isThere)
      console.error(`!! ${program} is not installed: ${MISSING[program]}. On Debian: apt-get install -y ${program}`);
  return has;
}

async function startAll(at: Workplace, has: Awaited<ReturnType<typeof findPrograms>>): Promise<Contender[]> {
  const files = join(at.dir, 'files');
  mkdirSync(join(files, 'static'), { recursive: true });
  writeFileSync(join(files, 'static/1k.txt'), SMALL);
  writeFileSync(join(files, 'static/1m.bin'), Buffer.alloc(1 << 20, 'x'));
  writeFileSync(join(files, 'both'), Buffer.alloc(102_400, 'x'));
  const echo = await startRole(at, 'echo');
  const http = has.nginx ? await startNginxBackend(at, files) : (await startRole(at, 'backend')).port;
  const backends: Backends = { http, webSocket: echo.port, files };
  const plain = await startRole(at, 'plain', http);
  return [
    { name: 'direct to the upstream', port: http, pids: [], does: PROXYING },
    { name: 'direct to the upstream', port: echo.port, pids: [], does: ['websocket'] },
    ...(has.nginx ? [await startNginxProxy(at, backends, 1), await startNginxProxy(at, backends, 2)] : []),
    ...(has.haproxy ? [await startHaproxy(at, backends)] : []),
    ...(has.caddy ? [await startCaddy(at, backends)] : []),
    { name: PLAIN, port: plain.port, pids: [plain.pid], does: PROXYING },
    await startOurs(at, backends, { processes: 1, routes: 10_000 }),
    await startOurs(at, backends, { processes: 2, routes: 10_000 }),
    { ...(await startOurs(at, backends, { processes: 1, routes: 10 })), does: ['proxy'] },
    { ...(await startOurs(at, backends, { processes: 1, routes: 100_000 })), does: ['proxy'] },
  ];
}

function figureOf(ask: Ask, { name, perSecond, p50, p99, cpuMicros }: Row): Figure {
  if (ask === 'first byte') return { name: `${ask}: ${name}`, value: p50, unit: 'ms' };
  const cost = cpuMicros > 0 ? `, ${cpuMicros.toFixed(0)} µs CPU each` : '';
  const unit = ask === 'websocket' ? 'messages/s' : 'requests/s';
  const note = `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms${cost}`;
  return { name: `${ask}: ${name}`, value: Math.round(perSecond), unit, note };
}

/** What the issue asks for, and ratios of interest; none where something to compare with is missing. */
function goalsOf(ask: Ask, rows: readonly Row[]): Figure[] {
  const of = (name: string, key: 'perSecond' | 'p50' | 'p99' | 'cpuMicros') =>
    rows.find((row) => row.name === name)?.[key] ?? Number.NaN;
  const ratio = (one: string, other: string, goal?: Figure['goal']): Figure => {
    const value = of(one, 'perSecond') / of(other, 'perSecond');
    return { name: `${ask}: ${one} / ${other}`, value, unit: 'x', ...(goal === undefined ? {} : { goal }) };
  };
  const figures: Figure[] =
    ask === 'proxy'
      ? [
          ratio(TWO, NGINX, { atLeast: 0.55 }),
          ratio(ONE, 'nginx, 1 worker'),
          ratio(ONE, PLAIN, { atLeast: 1.5 }),
          {
            name: `${ask}: p99, ${TWO} / ${NGINX}`,
            value: of(TWO, 'p99') / of(NGINX, 'p99'),
            unit: 'x',
            goal: { atMost: 2 },
          },
          {
            name: `${ask}: CPU a request, ${MANY} / ${FEW}`,
            value: of(MANY, 'cpuMicros') / of(FEW, 'cpuMicros'),
            unit: 'x',
            goal: { atMost: 1.25 },
          },
        ]
      : ask === 'first byte'
        ? [{ name: `${ask}: added by ${ONE}`, value: of(ONE, 'p50') - of('direct to the upstream', 'p50'), unit: 'ms' }]
        : [ratio(TWO, NGINX, ask === 'static 1 KiB' ? { atLeast: 0.4 } : undefined)];
  return figures.filter(({ value }) => !Number.isNaN(value));
}
