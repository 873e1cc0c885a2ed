// How long it takes from a push until people see it: `npm run bench -- latency`. A daemon as users start it, real pushes, asked from outside.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Files, processApp, staticApp } from '../test/e2e/support/apps.ts';
import { runTestGit, writeTestFile } from '../test/support/git-repo.ts';
import { startGitServer } from '../test/support/git-server.ts';
import { makeBareRepo } from './fixture-repos.ts';
import { postHook } from './hook-load.ts';
import { type Installation, startInstallation, untilSays } from './installation.ts';
import { type Figure, median, printReport } from './report.ts';
import { inWorkplace, type Workplace } from './workplace.ts';

const SAMPLES = 20;
const FEW = 8;
const POLL_MS = 2_000;
const TOKEN = 'a-token-of-the-bench';

async function run(at: Workplace): Promise<void> {
  const root = join(at.dir, 'repos');
  mkdirSync(root);
  writeFileSync(join(at.dir, 'token'), TOKEN);
  const server = await startGitServer(null, { root, users: { bench: TOKEN } });
  at.atEnd(() => server.close());
  const repoAt = (name: string) => new Pushed(at.dir, root, name, server.url);
  const [config, page, work] = [repoAt('config'), repoAt('page'), repoAt('work')];
  for (const repo of [config, page, work]) await repo.make();
  await page.push(staticApp('first'));
  await work.push(processApp('first'));
  await config.push({ 'apps.star': appsFile(server.url, 'first') });
  const auth = `[git_auth.bench]\nurl_prefix = "${server.url}/"\nusername = "bench"\ntoken_file = ${JSON.stringify(join(at.dir, 'token'))}\n`;
  const common = { configRepo: `${server.url}/config.git`, gateways: 2, more: auth };
  const hinted = await startInstallation(at, { ...common, name: 'hinted', pollInterval: '1h' });
  const hint = async () => void (await postHook(hinted.hook));
  const byHint = {
    page: await sample(SAMPLES, (text) =>
      pushAndSee(page, staticApp(text), { on: hinted, path: '/page/', text, hint }),
    ),
    work: await sample(SAMPLES / 2, (text) =>
      pushAndSee(work, processApp(text), { on: hinted, path: '/work/', text, hint }),
    ),
    config: await sample(SAMPLES / 2, (text) =>
      pushAndSee(config, { 'apps.star': appsFile(server.url, text) }, { on: hinted, path: '/greeting/', text, hint }),
    ),
  };
  await hinted.stop();
  const polled = await startInstallation(at, { ...common, name: 'polled', pollInterval: `${POLL_MS}ms` });
  const byPoll = await sample(FEW, async (text) => {
    // Pushes fall anywhere between two polls.
    await wait(Math.random() * POLL_MS);
    return pushAndSee(page, staticApp(text), { on: polled, path: '/page/', text });
  });
  await polled.stop();
  const watched = await sampleWatched(at, root);
  const hintMs = median(byHint.page);
  printReport({
    part: 'latency',
    title: 'latency: from the end of a push until the new text is served',
    figures: [
      ...figures('static app, by hint', byHint.page, { atMost: 300 }),
      ...figures('process app, by hint', byHint.work),
      ...figures('change of the config (a process app restarted), by hint', byHint.config),
      figureOf(`static app, no hint, poll of ${POLL_MS} ms: max`, byPoll, Math.max(...byPoll), {
        atMost: POLL_MS + Math.max(300, Math.round(hintMs)),
      }),
      ...figures('static app in a local repo that is watched, no hint', watched, { atMost: 300 }),
    ],
  });
}

/** A repo that is pushed to as people do: from a clone, over HTTP, with a password. */
class Pushed {
  readonly #work: string;
  readonly #bare: string;
  readonly #url: string;

  constructor(dir: string, root: string, name: string, url: string | null) {
    this.#work = join(dir, `work-${name}`);
    this.#bare = join(root, `${name}.git`);
    this.#url = url === null ? this.#bare : `${url.replace('//', `//bench:${TOKEN}@`)}/${name}.git`;
  }

  async make(): Promise<void> {
    await makeBareRepo(this.#bare);
    await runTestGit('/', ['init', '-q', '--initial-branch=main', this.#work]);
    await runTestGit(this.#work, ['remote', 'add', 'origin', this.#url]);
  }

  async push(files: Files): Promise<void> {
    for (const [path, file] of Object.entries(files)) await writeTestFile(join(this.#work, path), file);
    await runTestGit(this.#work, ['add', '--all']);
    await runTestGit(this.#work, ['commit', '-q', '-m', 'change']);
    await runTestGit(this.#work, ['push', '-q', 'origin', 'main']);
  }
}

interface Look {
  readonly on: Installation;
  readonly path: string;
  readonly text: string;
  readonly hint?: () => Promise<void>;
}

async function pushAndSee(repo: Pushed, files: Files, { on, path, text, hint }: Look): Promise<number> {
  await repo.push(files);
  const began = performance.now();
  const seen = untilSays(on, path, text);
  await hint?.();
  await seen;
  return performance.now() - began;
}

/** The first one is not counted: it is what the daemon does when it comes up. */
async function sample(count: number, once: (text: string) => Promise<number>): Promise<number[]> {
  const times: number[] = [];
  for (let at = 0; at <= count; at += 1) times.push(await once(`version ${at} ${Math.random()}`));
  return times.slice(1);
}

async function sampleWatched(at: Workplace, root: string): Promise<number[]> {
  const local = new Pushed(at.dir, root, 'local', null);
  await local.make();
  await local.push({ 'apps.star': 'app("/page", "./page")\n', ...staticApp('first', 'page/') });
  const watched = await startInstallation(at, {
    name: 'watched',
    configRepo: join(root, 'local.git'),
    pollInterval: '1h',
    gateways: 2,
    more: `[git]\nlocal_roots = [${JSON.stringify(root)}]\n`,
  });
  await untilSays(watched, '/page/', 'first');
  const times = await sample(SAMPLES, (text) =>
    pushAndSee(local, staticApp(text, 'page/'), { on: watched, path: '/page/', text }),
  );
  await watched.stop();
  return times;
}

function appsFile(url: string, greeting: string): string {
  return [
    `app("/page", "${url}/page.git")`,
    `app("/work", "${url}/work.git")`,
    `app("/greeting", "${url}/work.git", params = {"GREETING": "${greeting}"})`,
    'app("/away", "-", spec = "proxy", params = {"url": "https://docs.example.com"})',
    '',
  ].join('\n');
}

function figures(name: string, times: readonly number[], goal?: { atMost: number }): Figure[] {
  return [figureOf(`${name}: median`, times, median(times), goal)];
}

function figureOf(name: string, times: readonly number[], value: number, goal?: { atMost: number }): Figure {
  const note = `${times.length} samples, ${Math.min(...times).toFixed(0)} to ${Math.max(...times).toFixed(0)}`;
  return { name, value, unit: 'ms', note, ...(goal === undefined ? {} : { goal }) };
}

await inWorkplace(run);
