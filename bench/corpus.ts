// The corpus of raw requests and answers (test/corpus) through this gateway, nginx and haproxy, side by side: `npm run bench -- corpus`.
// Loopback only. What is not installed is named loudly and left out. Says where each differs from what the RFCs allow.
import { execFile, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startGateway } from '../src/gateway/gateway.ts';
import { ANSWER_TOPICS } from '../test/corpus/answers.ts';
import { isRefusal, judgeAnswer, judgeRequests } from '../test/corpus/judge.ts';
import { type Intermediary, type Observed, playAnswer, playRequests } from '../test/corpus/play.ts';
import { Recorder } from '../test/corpus/recorder.ts';
import { REQUEST_TOPICS } from '../test/corpus/requests.ts';
import { createRoutes } from '../test/integration/gateway/testbed.ts';
import { freePort } from '../test/support/free-port.ts';
import { gatewayConfigIn } from '../test/support/gateway-config.ts';
import { haproxyConfig, nginxConfig } from './corpus-configs.ts';
import { endChild, untilListening } from './gateway/children.ts';
import { type Figure, printReport } from './report.ts';
import { inWorkplace, type Workplace } from './workplace.ts';

/** How long nginx and haproxy may take to listen. */
const START_MS = 5_000;
const PATIENCE = { answerMs: 800, quietMs: 100 };
const CONFIGS = { nginx: nginxConfig, haproxy: haproxyConfig };
const DIFFERENCES = process.argv.includes('--differences');

interface Contender {
  readonly name: string;
  readonly version: string;
  readonly place: Intermediary;
}

/** `refused`: nothing was misread, but it need not have been refused. */
type Outcome = 'right' | 'refused' | 'other';

await inWorkplace(async (at) => {
  const contenders = [await ours(at), await other(at, 'nginx'), await other(at, 'haproxy')].filter(
    (one) => one !== undefined,
  );
  const figures: Figure[] = [];
  for (const { topic, play } of topics()) figures.push(...(await playTopic(topic, play, contenders)));
  const names = contenders.map(({ name, version }) => `${name} ${version}`.trim()).join(', ');
  printReport({
    part: 'corpus',
    title: `corpus: cases that came to something else than the RFCs allow, of ${names}`,
    figures,
  });
});

interface Played {
  readonly name: string;
  readonly seen: Observed;
  readonly differences: readonly string[];
}

type Play = (contender: Contender) => Promise<Played[]>;

function topics(): { topic: string; play: Play }[] {
  const requests = REQUEST_TOPICS.map(({ topic, cases }) => ({
    topic,
    play: async ({ place, name }: Contender) => {
      const played: Played[] = [];
      for (const one of cases) {
        const seen = await playRequests(place, one);
        played.push({ name: one.name, seen, differences: judgeRequests(seen, one, { isOurs: name === 'mainspring' }) });
      }
      return played;
    },
  }));
  const answers = ANSWER_TOPICS.map(({ topic, cases }) => ({
    topic,
    play: async ({ place, name }: Contender) => {
      const played: Played[] = [];
      for (const one of cases) {
        const seen = await playAnswer(place, one);
        played.push({ name: one.name, seen, differences: judgeAnswer(seen, one, { isOurs: name === 'mainspring' }) });
      }
      return played;
    },
  }));
  return [...requests, ...answers];
}

async function playTopic(topic: string, play: Play, contenders: readonly Contender[]): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const contender of contenders) {
    const played = await play(contender);
    const counts = { right: 0, refused: 0, other: 0 };
    for (const one of played) {
      const outcome = outcomeOf(one);
      counts[outcome] += 1;
      if (outcome === 'other' && DIFFERENCES)
        console.error(`${contender.name}: ${one.name}: ${one.differences.join('; ')}`);
    }
    figures.push({
      name: `${topic}: ${contender.name}`,
      value: counts.other,
      unit: `of ${played.length}`,
      note: `${counts.right} right, ${counts.refused} refused though fine`,
      ...(contender.name === 'mainspring' ? { goal: { exactly: 0 } } : {}),
    });
  }
  return figures;
}

function outcomeOf({ differences, seen }: Played): Outcome {
  if (differences.length === 0) return 'right';
  return isRefusal(seen) ? 'refused' : 'other';
}

/** A gateway with the apps that the corpus is written for. */
async function ours(at: Workplace): Promise<Contender> {
  const recorder = new Recorder();
  const upstream = await recorder.start();
  at.atEnd(() => recorder.stop());
  const database = createRoutes(join(at.dir, 'mainspring.db'));
  const target = { kind: 'http', url: `http://127.0.0.1:${upstream}`, external: false };
  for (const [generation, path] of ['/', '/admin'].entries()) {
    const serve = { instance: `i-${generation}`, target, stripPath: false, noindex: false };
    const insert = database.prepare(
      'INSERT INTO routes (host, path, generation, env, app, serve) VALUES (?, ?, ?, ?, ?, ?)',
    );
    insert.run('a', path, generation + 1, 'prod', path, JSON.stringify(serve));
  }
  const gateway = await startGateway(gatewayConfigIn(at.dir), { id: 'corpus', pid: process.pid, log: () => {} });
  at.atEnd(() => gateway.stop());
  return {
    name: 'mainspring',
    version: '',
    place: { port: gateway.addresses[0]?.port ?? 0, recorder, patience: PATIENCE },
  };
}

async function other(at: Workplace, name: keyof typeof CONFIGS): Promise<Contender | undefined> {
  const version = await versionOf(name);
  if (version === undefined) {
    console.error(`!! ${name} is not installed: nothing is compared with it. On Debian: apt-get install -y ${name}`);
    return undefined;
  }
  const recorder = new Recorder();
  const upstream = await recorder.start();
  at.atEnd(() => recorder.stop());
  const port = await freePort();
  const file = join(at.dir, `${name}.conf`);
  writeFileSync(file, CONFIGS[name]({ dir: at.dir, port, upstream }));
  const args = name === 'nginx' ? ['-c', file, '-p', at.dir, '-e', '/dev/null'] : ['-db', '-f', file];
  const child = spawn(name, args, { stdio: 'ignore' });
  at.atEnd(() => endChild(child));
  await untilListening(port, START_MS);
  return { name, version, place: { port, recorder, patience: PATIENCE } };
}

async function versionOf(name: string): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await promisify(execFile)(name, ['-v']);
    return /(\d+\.\d+\.\d+)/.exec(stdout + stderr)?.[1] ?? '';
  } catch {
    return undefined;
  }
}
