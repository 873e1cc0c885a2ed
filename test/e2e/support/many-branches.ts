import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import type { AuditLine, Status } from '../../../src/model/surface.ts';
import { CLEAN_GIT_ENV } from '../../support/git-repo.ts';
import type { SeenRequest } from '../../support/git-server.ts';

/** A config of static apps, one from each repo. */
export function declareMany(urls: readonly string[], max: number): string {
  const apps = urls.map((url, at) => `app("/app-${at}", "${url}")\n`);
  return `${apps.join('')}previews(max = ${max})\n`;
}

/** Makes branches of a bare repo, all in one go: each one commit on top of main with one file, by default an `index.html` that says the branch's name. */
export function makeBranches(
  bare: string,
  branches: readonly string[],
  fileOf: (branch: string) => readonly [path: string, text: string] = (branch) => ['index.html', `${branch}\n`],
): Promise<void> {
  const commits = branches.map((branch) => {
    const head = `commit refs/heads/${branch}\ncommitter Ada <ada@example.com> ${now()} +0000\n${data(branch)}`;
    const [path, text] = fileOf(branch);
    return `${head}from refs/heads/main^0\nM 100644 inline ${path}\n${data(text)}`;
  });
  return feed(bare, ['fast-import', '--quiet', '--force'], `${commits.join('')}\n`);
}

/** Pushes once more to a branch of a bare repo: its `index.html` says this now. */
export function moveBranch(bare: string, branch: string, text: string): Promise<void> {
  const ref = `refs/heads/${branch}`;
  const head = `commit ${ref}\ncommitter Ada <ada@example.com> ${now()} +0000\n${data(text)}`;
  const commit = `${head}from ${ref}^0\nM 100644 inline index.html\n${data(text)}`;
  return feed(bare, ['fast-import', '--quiet'], `${commit}\n`);
}

/** Deletes branches of a bare repo. */
export function deleteBranches(bare: string, branches: readonly string[]): Promise<void> {
  return feed(bare, ['update-ref', '--stdin'], branches.map((branch) => `delete refs/heads/${branch}\n`).join(''));
}

async function feed(bare: string, args: readonly string[], input: string): Promise<void> {
  const git = spawn('git', [...args], { cwd: bare, env: CLEAN_GIT_ENV, stdio: ['pipe', 'ignore', 'inherit'] });
  const ended = once(git, 'exit');
  git.stdin.end(input);
  const [code] = (await ended) as [number];
  if (code !== 0) throw new Error(`git ${args[0]} in ${bare} failed with ${code}`);
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}\n`;
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}

/** What a git server that is known to the daemon was asked, counted. */
export interface Asked {
  readonly listings: number;
  readonly fetches: number;
  readonly requests: number;
}

/** Counts what a git server was asked from a request on. A listing is one request, a fetch an announcement and one more. */
export function countAsked(requests: readonly SeenRequest[], from = 0): Asked {
  const seen = requests.slice(from);
  const fetches = seen.filter(({ url }) => url.includes('/info/refs')).length;
  return { listings: seen.length - 2 * fetches, fetches, requests: seen.length };
}

/** How many previews are up, how many are parked, and how many of those say why. */
export interface PreviewTally {
  readonly up: number;
  readonly live: number;
  readonly parked: number;
  readonly explained: number;
}

/** Counts the previews of a status. */
export function tallyPreviews({ environments }: Status): PreviewTally {
  const previews = environments.filter(({ kind }) => kind === 'preview');
  const parked = previews.filter((preview) => preview.parked);
  const up = previews.filter((preview) => !preview.parked);
  return {
    up: up.length,
    live: up.filter(({ deployments }) => deployments.length > 0 && deployments.every(({ live }) => live !== null))
      .length,
    parked: parked.length,
    explained: parked.filter(({ parked_why }) => /max/.test(parked_why ?? '')).length,
  };
}

/** How many previews were up at most at any moment that was looked at. */
export interface MostUp {
  /** How many the store said were up. */
  readonly recorded: number;
  /** How many had something that serves. */
  readonly serving: number;
  readonly looks: number;
}

/** Looks into a store from outside, again and again, until it is told to stop. */
export function watchUp(file: string): { stop(): Promise<MostUp> } {
  const db = new Database(file, { readonly: true });
  const previews = "FROM environments WHERE kind = 'preview'";
  const recorded = db.prepare(`SELECT count(*) AS n ${previews} AND parked IS NULL AND ending_since IS NULL`);
  const serving = db.prepare(
    `SELECT count(DISTINCT env) AS n FROM deployments WHERE live IS NOT NULL AND env IN (SELECT name ${previews} AND parked IS NULL)`,
  );
  const most = { recorded: 0, serving: 0, looks: 0 };
  let isOver = false;
  const loop = (async () => {
    while (!isOver) {
      most.recorded = Math.max(most.recorded, (recorded.get() as { n: number }).n);
      most.serving = Math.max(most.serving, (serving.get() as { n: number }).n);
      most.looks += 1;
      await delay(5);
    }
    db.close();
  })();
  const stop = async () => {
    isOver = true;
    await loop;
    return most;
  };
  return { stop };
}

/** What the log says of previews, counted. Each change of what is up is a line of its own, so nothing is missed between two looks. */
export interface ToldOfPreviews {
  readonly opened: number;
  readonly openedParked: number;
  readonly parked: number;
  readonly unparked: number;
  readonly built: number;
}

/** Counts lines of the log. One that is opened and says why is parked from the start. */
export function countTold(lines: readonly AuditLine[]): ToldOfPreviews {
  const of = (wanted: string) => lines.filter(({ kind }) => kind === wanted);
  const opened = of('environment.opened');
  const openedParked = opened.filter(({ detail }) => 'why' in detail).length;
  return {
    opened: opened.length - openedParked,
    openedParked,
    parked: of('environment.parked').length,
    unparked: of('environment.unparked').length,
    built: of('artifact.built').length,
  };
}
