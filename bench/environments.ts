// What 200 branches at once cost, of which 20 may be up: `npm run bench -- environments`. A daemon as users start it, static apps, repos behind HTTP.
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { AuditLine, Status } from '../src/model/surface.ts';
import { eventually } from '../test/e2e/support/eventually.ts';
import {
  countAsked,
  countTold,
  declareMany,
  deleteBranches,
  makeBranches,
  moveBranch,
  type ToldOfPreviews,
  tallyPreviews,
  watchUp,
} from '../test/e2e/support/many-branches.ts';
import { type GitServer, startGitServer } from '../test/support/git-server.ts';
import { importCommit, makeBareRepo } from './fixture-repos.ts';
import { postHook } from './hook-load.ts';
import { type Installation, startInstallation } from './installation.ts';
import { memoryOf } from './process-memory.ts';
import { type Figure, printReport } from './report.ts';
import { inWorkplace, type Workplace } from './workplace.ts';

/** `BENCH_SCALE` (0 to 1) makes it smaller, to try something out. */
const SHARE = Number(process.env.BENCH_SCALE ?? 1);
const REPOS = 20;
const BRANCHES_EACH = Math.max(1, Math.round(10 * SHARE));
const BRANCHES = REPOS * BRANCHES_EACH;
const MAX = 20;
const NAMES = Array.from({ length: REPOS }, (_, at) => `app-${at}`);

/** One thing that happened: how long it took until all was at rest, and what it cost. */
interface Round {
  readonly seconds: number;
  readonly listings: number;
  readonly fetches: number;
  readonly requests: number;
  readonly told: ToldOfPreviews;
  /** Lines of the log. */
  readonly lines: number;
  readonly evaluations: number;
  readonly status: Status;
}

await inWorkplace(run);

async function run(at: Workplace): Promise<void> {
  const root = join(at.dir, 'repos');
  mkdirSync(root);
  const server = await startGitServer(null, { root });
  at.atEnd(() => server.close());
  const bare = (name: string) => join(root, `${name}.git`);
  const url = (name: string) => `${server.url}/${name}.git`;
  for (const name of ['config', ...NAMES]) await makeBareRepo(bare(name));
  for (const name of NAMES) await importCommit(bare(name), [['index.html', `${name}\n`]], 'first');
  const apps = declareMany(NAMES.map(url), MAX);
  await importCommit(bare('config'), [['apps.star', apps]], 'first');
  const settings = { name: 'team', configRepo: url('config'), pollInterval: '1h', gateways: 2 };
  const installation = await startInstallation(at, settings);
  const on = { installation, server };
  await atRest(on, ({ environments }) => environments.flatMap(({ deployments }) => deployments).length === 2 * REPOS);
  const before = memory(installation);
  const branches = (name: string) => Array.from({ length: BRANCHES_EACH }, (_, index) => `${name}-b${index}`);
  const watch = watchUp(join(installation.dir, 'data', 'mainspring.db'));
  const push = await round(on, isComplete, async () => {
    for (const name of NAMES) await makeBranches(bare(name), branches(name));
  });
  const after = memory(installation);
  const again = await round(on, isComplete, async () => {});
  const answers = await answersOf(installation, push.status);
  const idle = push.status.environments.find((one) => one.parked)?.name ?? '';
  const move = await round(
    on,
    (status) => isComplete(status) && status.environments.some(({ name, parked }) => name === idle && !parked),
    () => moveBranch(bare(appOf(idle)), idle, 'again\n'),
  );
  const most = await watch.stop();
  const configs = NAMES.map((name) => `config-${name}`);
  const proposals = await round(
    on,
    ({ environments }) => environments.filter(({ kind }) => kind === 'preview').length === BRANCHES + configs.length,
    () => makeBranches(bare('config'), configs, (name) => ['apps.star', changed(apps, name.slice('config-'.length))]),
  );
  const end = await round(on, hasNone, async () => {
    for (const name of NAMES) await deleteBranches(bare(name), branches(name));
    await deleteBranches(bare('config'), configs);
  });
  const { up, live, parked, explained } = tallyPreviews(push.status);
  const { opened, openedParked } = push.told;
  printReport({
    part: 'environments',
    title: `environments: ${BRANCHES} branches at once in ${REPOS} source repos, of which ${MAX} may be up`,
    figures: [
      exactly('up', up, MAX, `${live} live`),
      exactly('parked', parked, BRANCHES - MAX, `${explained} say why`),
      {
        ...exactly('up at any moment, at most', most.recorded, MAX),
        note: `${most.serving} serve, ${most.looks} looks`,
      },
      exactly('opened; once', opened, MAX, `${openedParked} parked from the start`),
      exactly('parked or back again', push.told.parked + push.told.unparked, 0),
      exactly('built', push.told.built, MAX),
      exactly('answer 404 because they are parked', answers.notFound, BRANCHES - MAX, `${answers.served} are served`),
      ...figuresOf('pushed', push),
      ...costs('pushed', push, { fetches: BRANCHES + 3 * REPOS, evaluations: 0 }),
      ...figuresOf('looked again, nothing new', again),
      ...costs('looked again', again, { fetches: 0, evaluations: 0 }),
      exactly('looked again: lines of the log', again.lines, 0),
      ...figuresOf('one that is parked is pushed to', move),
      ...costs('one pushed to', move, { fetches: 2, evaluations: 0 }),
      exactly('one pushed to: back; parked for it', move.told.unparked, 1, `${move.told.parked} parked`),
      exactly('one pushed to: built', move.told.built, 1),
      ...figuresOf(`${configs.length} branches of the config repo`, proposals),
      ...figuresOf('all branches deleted', end),
      { name: 'memory before', value: before.pss, unit: 'MiB PSS', note: `controller ${before.controller.toFixed(0)}` },
      { name: 'memory after', value: after.pss, unit: 'MiB PSS', note: `controller ${after.controller.toFixed(0)}` },
    ],
  });
}

function isComplete(status: Status): boolean {
  const { up, live, parked } = tallyPreviews(status);
  return up + parked === BRANCHES && live === up;
}

function hasNone({ environments }: Status): boolean {
  return environments.every(({ kind }) => kind !== 'preview');
}

/** The same config, but for one app of another spec. */
function changed(apps: string, name: string): string {
  return apps.replace(`"/${name}", "`, `"/${name}", spec = "static_single", source = "`);
}

interface On {
  readonly installation: Installation;
  readonly server: GitServer;
}

/** Has something happen, hints at it, and waits until the status is as wanted and all has come to rest. */
async function round(on: On, isWanted: (status: Status) => boolean, act: () => Promise<unknown>): Promise<Round> {
  const { installation, server } = on;
  await act();
  const known = { asked: server.requests().length, evaluations: evaluations(installation), log: await head(on) };
  const began = performance.now();
  await postHook(installation.hook);
  // The hint has to have been acted on before it can be said that nothing follows from it.
  const isSeen = () => countAsked(server.requests(), known.asked).listings > REPOS || undefined;
  await eventually(isSeen, { every: 5, what: 'listings' });
  const status = await atRest(on, isWanted);
  const lines = (await log(on)).filter(({ id }) => id > known.log);
  return {
    seconds: (performance.now() - began) / 1000,
    ...countAsked(server.requests(), known.asked),
    told: countTold(lines),
    lines: lines.length,
    evaluations: evaluations(installation) - known.evaluations,
    status,
  };
}

function atRest(on: On, isWanted: (status: Status) => boolean): Promise<Status> {
  let last: Status | null = null;
  return eventually(
    async () => {
      last = await status(on);
      return last.settled && isWanted(last) ? last : undefined;
    },
    { within: 600_000, every: 50, what: () => `rest: ${JSON.stringify(last)?.slice(0, 2000)}` },
  );
}

async function status({ installation }: On): Promise<Status> {
  return JSON.parse((await installation.get('/api/v1/status', 'mainspring.localhost')).body) as Status;
}

async function head(on: On): Promise<number> {
  return Number((await status(on)).audit.head.split(':')[0]);
}

async function log({ installation }: On): Promise<AuditLine[]> {
  const { body } = await installation.get('/api/v1/audit', 'mainspring.localhost');
  return body.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as AuditLine]));
}

/** Evaluations of files that were not known before: each is kept as a row. */
function evaluations({ dir }: Installation): number {
  const db = new Database(join(dir, 'data', 'mainspring.db'), { readonly: true });
  try {
    return (db.prepare('SELECT count(*) AS count FROM evaluations').get() as { count: number }).count;
  } finally {
    db.close();
  }
}

/** What all processes of the daemon hold together, and the controller alone. */
function memory({ dir }: Installation): { readonly pss: number; readonly controller: number } {
  let [pss, controller] = [0, 0];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const args = argumentsOf(pid);
    if (!args.includes(dir)) continue;
    const held = memoryOf(Number(pid)).pss;
    pss += held;
    if (args.includes('__controller')) controller = held;
  }
  return { pss, controller };
}

function argumentsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

function exactly(name: string, value: number, wanted: number, note = ''): Figure {
  return { name, value, unit: '', goal: { exactly: wanted }, ...(note === '' ? {} : { note }) };
}

/** What a round may cost besides the listings of each source repo and the config repo. */
function costs(name: string, of: Round, most: { readonly fetches: number; readonly evaluations: number }): Figure[] {
  return [
    { name: `${name}: listings`, value: of.listings, unit: '', note: `of ${REPOS + 1} repos` },
    { name: `${name}: fetches`, value: of.fetches, unit: '', goal: { atMost: most.fetches } },
    { name: `${name}: files evaluated`, value: of.evaluations, unit: '', goal: { atMost: most.evaluations } },
  ];
}

/** The app that a branch is of. */
function appOf(branch: string): string {
  return branch.replace(/-b\d+$/, '');
}

/** What the hosts of previews answer. */
async function answersOf(
  installation: Installation,
  { environments }: Status,
): Promise<{ readonly served: number; readonly notFound: number }> {
  let [served, notFound] = [0, 0];
  for (const { name } of environments.filter(({ kind }) => kind === 'preview')) {
    const { status } = await installation.get(`/${appOf(name)}/`, `${name}.env.localhost`);
    if (status === 200) served += 1;
    if (status === 404) notFound += 1;
  }
  return { served, notFound };
}

function figuresOf(name: string, of: Round): Figure[] {
  const { seconds, listings, fetches, requests, told, evaluations: evaluated } = of;
  const note = `${listings} listings, ${fetches} fetches, ${requests} requests at the git server, ${told.built} builds, ${evaluated} files evaluated`;
  return [{ name: `${name}: at rest after`, value: seconds, unit: 's', note }];
}
