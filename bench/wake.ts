// What waking costs: `npm run bench -- wake`. An app that sleeps after a moment is asked for again and again, beside the same program
// started by hand; the difference is what gateway, controller and engine add to the instance's own start.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { eventually } from '../test/e2e/support/eventually.ts';
import { ask } from '../test/e2e/support/http.ts';
import { freePort } from '../test/support/free-port.ts';
import { importCommit, makeBareRepo } from './fixture-repos.ts';
import { type Installation, startInstallation, untilSays } from './installation.ts';
import { type Figure, median, printReport, quantile } from './report.ts';
import { inWorkplace, type Workplace } from './workplace.ts';

const SAMPLES = Number(process.env.BENCH_SAMPLES ?? 40);
const IDLE_MS = 1_000;
const SERVER = `require('node:http').createServer((request, response) => response.end('here')).listen(Number(process.env.PORT), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
`;

async function run(at: Workplace): Promise<void> {
  const root = join(at.dir, 'repos');
  mkdirSync(root);
  const config = join(root, 'config.git');
  await makeBareRepo(config);
  const files = {
    'apps.star': `app("/nap", "./nap", stage = False, idle = "${IDLE_MS / 1_000}s")\n`,
    'nap/Procfile': 'web: exec node server.cjs\n',
    'nap/server.cjs': SERVER,
  };
  await importCommit(config, Object.entries(files), 'an app');
  const more = `[git]\nlocal_roots = [${JSON.stringify(root)}]\n`;
  const on = await startInstallation(at, { name: 'wake', configRepo: config, pollInterval: '1h', gateways: 2, more });
  await untilSays(on, '/nap/', 'here');
  const program = join(at.dir, 'server.cjs');
  writeFileSync(program, SERVER);
  const [woken, own, crowd]: [number[], number[], number[]] = [[], [], []];
  for (let n = 0; n < SAMPLES; n++) {
    await untilAsleep(on);
    woken.push(await timed(() => answerOf(on.port)));
    own.push(await ownStart(at, program));
    if (n % 4 === 0) {
      await untilAsleep(on);
      crowd.push(await timed(() => Promise.all(Array.from({ length: 50 }, () => answerOf(on.port)))));
    }
  }
  const added = woken.map((ms, n) => ms - (own[n] ?? 0));
  const figures: Figure[] = [
    { name: 'request to an app that is asleep, median', value: median(woken), unit: 'ms', note: range(woken) },
    {
      name: 'the same program started by hand until it answers, median',
      value: median(own),
      unit: 'ms',
      note: range(own),
    },
    {
      name: 'added by gateway, controller and engine, median',
      value: median(added),
      unit: 'ms',
      goal: { atMost: 20 },
      note: `p90 ${quantile(added, 0.9).toFixed(1)}`,
    },
    {
      name: '50 requests at once to an app that is asleep, all answered, median',
      value: median(crowd),
      unit: 'ms',
      note: range(crowd),
    },
  ];
  printReport({ part: 'wake', title: 'wake: from a request to an app that is asleep until its answer', figures });
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await run();
  return performance.now() - began;
}

async function answerOf(port: number, path = '/nap/'): Promise<string> {
  const { status, body } = await ask({ port, path, timeoutMs: 40_000 });
  if (body !== 'here') throw new Error(`${status}: ${body}`);
  return body;
}

/** An instance that is stopped answers a probe, which wakes nothing, with 503. */
async function untilAsleep(on: Installation): Promise<void> {
  await eventually(
    async () => {
      const { status } = await ask({ port: on.port, path: '/nap/', headers: { 'user-agent': 'kube-probe/1' } });
      return status === 503 ? true : undefined;
    },
    { every: 20, within: 30_000, what: 'the app to be asleep' },
  );
  // Its process is gone a moment after.
  await wait(300);
}

async function ownStart(at: Workplace, program: string): Promise<number> {
  const port = await freePort();
  const began = performance.now();
  const child: ChildProcess = spawn(process.execPath, [program], {
    env: { PORT: String(port), PATH: process.env.PATH },
    stdio: 'ignore',
    detached: true,
  });
  at.atEnd(async () => void child.kill('SIGKILL'));
  await eventually(() => answerOf(port, '/').catch(() => undefined), { every: 1, within: 30_000, what: 'an answer' });
  const ms = performance.now() - began;
  child.kill('SIGKILL');
  await once(child, 'exit');
  return ms;
}

function range(values: readonly number[]): string {
  return `${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)}`;
}

await inWorkplace(run);
