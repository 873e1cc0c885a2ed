import { configErrorLines } from '../cli/render-status.ts';
import { oneLine, type Paint, shortId } from '../cli/terminal.ts';
import { MainspringError } from '../model/errors.ts';
import type { AuditLine, Status } from '../model/surface.ts';
import { ask, watchChange } from './outside.ts';
import { PATIENCE_MS, type Session, settled } from './session.ts';

/** Where the story is played. */
export interface Stage extends Session {
  readonly signal: AbortSignal;
  readonly paint: Paint;
}

/** One step: does something, looks from outside what came of it, and throws where that is not what it should be. */
export interface Step {
  readonly title: string;
  /** What is to be told about it, how long it took first. */
  play(stage: Stage): Promise<readonly string[]>;
}

/** The story that `demo --auto` plays, in this order. A step counts on those before it. */
export const STORY: readonly Step[] = [
  { title: 'start', play: start },
  { title: 'push a change of the page', play: pushPage },
  { title: 'push a branch that changes page and app: a preview', play: pushBranch },
  { title: 'merge it', play: merge },
  { title: 'revert it', play: revertMerge },
  { title: 'push another branch, and delete it', play: deleteBranch },
  { title: 'break the config and push', play: breakConfig },
  { title: 'mend it', play: revert },
  { title: 'ask the audit log', play: askAudit },
];

const HEADLINE = "What's on main is what runs";
const NEW_HEADLINE = 'This page was pushed a moment ago';
const TRIED_HEADLINE = 'This page is tried on a branch';
const NEW_GREETING = 'Good to see you';
const BRANCH = 'try';
const SECOND = 'another';

async function start(stage: Stage): Promise<readonly string[]> {
  const startedAt = performance.now();
  await mustBeLive(stage, await stage.repo.tip());
  expectText(await page(stage), HEADLINE);
  const { status } = await ask(stage.settings.publicUrl, '/hello');
  if (status !== 200) throw failed(`/hello was answered with ${status}`);
  return [`${since(startedAt)} from the daemon being up to both apps answering`];
}

async function pushPage(stage: Stage): Promise<readonly string[]> {
  await stage.repo.replace('site/index.html', HEADLINE, NEW_HEADLINE);
  const { ms, requests } = await seen(stage, NEW_HEADLINE, () => stage.repo.commitAndPush('A new headline'));
  return [`${ms} ms from "git commit" to the new page, ${requests} requests meanwhile, none failed`];
}

async function pushBranch(stage: Stage): Promise<readonly string[]> {
  const url = previewUrl(stage, BRANCH);
  await stage.repo.replace('site/index.html', NEW_HEADLINE, TRIED_HEADLINE);
  await stage.repo.replace('apps.star', '"GREETING": "Hello"', `"GREETING": "${NEW_GREETING}"`);
  const change = () => stage.repo.commitToBranch(BRANCH, 'Another headline, another greeting');
  const { ms } = await watchChange({ ...watched(stage, url), mayBeGone: true }, change, ({ body }) =>
    body.includes(TRIED_HEADLINE),
  );
  await mustBeLive(stage, await stage.repo.head());
  expectText((await ask(url, '/hello')).body, NEW_GREETING);
  expectText(await page(stage), NEW_HEADLINE);
  return [`${ms} ms from "git commit" to the preview`, `both apps, changed: ${url}/ (production is as it was)`];
}

async function merge(stage: Stage): Promise<readonly string[]> {
  const builds = await buildCount(stage);
  const { ms, requests } = await seen(stage, TRIED_HEADLINE, () => stage.repo.mergeAndPush(BRANCH));
  await mustBeLive(stage, await stage.repo.tip());
  expectText((await ask(stage.settings.publicUrl, '/hello')).body, NEW_GREETING);
  expectSame(await buildCount(stage), builds);
  await noPreviews(stage);
  return [
    `${ms} ms from "git merge" to production, ${requests} requests meanwhile, none failed`,
    'page and app switched as one, and nothing was built: it is what the preview ran',
    'the preview is over: nothing on its branch differs any more',
  ];
}

async function revertMerge(stage: Stage): Promise<readonly string[]> {
  const builds = await buildCount(stage);
  const { ms, requests } = await seen(stage, NEW_HEADLINE, () => stage.repo.revertAndPush());
  await mustBeLive(stage, await stage.repo.tip());
  expectSame(await buildCount(stage), builds);
  return [`${ms} ms from "git revert" to the page before, ${requests} requests meanwhile, none failed, nothing built`];
}

async function deleteBranch(stage: Stage): Promise<readonly string[]> {
  await stage.repo.replace('site/index.html', NEW_HEADLINE, TRIED_HEADLINE);
  const where = { ...watched(stage, previewUrl(stage, SECOND)), mayBeGone: true };
  const push = () => stage.repo.commitToBranch(SECOND, 'Another try');
  const { ms: upMs } = await watchChange(where, push, ({ body }) => body.includes(TRIED_HEADLINE));
  await mustBeLive(stage, await stage.repo.head());
  const remove = () => stage.repo.deleteBranch(SECOND);
  const { ms } = await watchChange(where, remove, ({ status }) => status === 404);
  await noPreviews(stage);
  await stage.repo.deleteBranch(BRANCH);
  expectText(await page(stage), NEW_HEADLINE);
  return [`${ms} ms from "git push --delete" to the preview being gone (it took ${upMs} ms to be there)`];
}

/** Waits until all that previews had is gone. */
async function noPreviews(stage: Stage): Promise<void> {
  await until(stage, ({ environments }) => environments.every(({ kind }) => kind !== 'preview'));
}

async function breakConfig(stage: Stage): Promise<readonly string[]> {
  const before = running(await stage.reader.status());
  await stage.repo.append('apps.star', 'app("/docs", "./site", spec = "statik")\n');
  const startedAt = performance.now();
  const commit = await stage.repo.commitAndPush('Add the docs');
  const status = await until(stage, ({ config }) => config.commit === commit && config.errors.length > 0);
  const took = since(startedAt);
  expectSame(running(status), before);
  expectText(await page(stage), NEW_HEADLINE);
  const errors = status.config.errors.flatMap((error) => configErrorLines(error, stage.paint));
  return [`${took} from "git commit" to the error; everything runs on as it was`, ...errors];
}

async function revert(stage: Stage): Promise<readonly string[]> {
  const before = running(await stage.reader.status());
  const startedAt = performance.now();
  await mustBeLive(stage, await stage.repo.revertAndPush());
  const took = since(startedAt);
  expectSame(running(await stage.reader.status()), before);
  return [`${took} from "git revert" to a config that is right again; nothing was restarted`];
}

async function askAudit(stage: Stage): Promise<readonly string[]> {
  const verdict = await stage.reader.verifyAudit(null);
  if (!verdict.ok) throw failed(verdict.message);
  const told: string[] = [];
  for await (const line of stage.reader.audit({ app: null, env: null, since: null })) {
    if (line.cause.kind !== 'commit' || !isTold(line)) continue;
    const subject = await stage.repo.subject(line.cause.commit);
    const what = [line.kind, line.app ?? ''].join(' ').trimEnd();
    told.push(`${stage.paint('cyan', shortId(line.cause.commit))} ${oneLine(subject)}: ${oneLine(what)}`);
  }
  expectSame(told.length, EXPECTED_EVENTS);
  return [`${verdict.lines} events, and the chain of their hashes holds`, ...told];
}

/** What became of each commit, in production. */
function isTold({ kind, env }: AuditLine): boolean {
  return kind.startsWith('config.') || (kind === 'deployment.live' && env === 'prod');
}

/** Six commits, of which one was rejected; two apps at first, then one, then both for the merge and for its revert. */
const EXPECTED_EVENTS = 6 + 7;

/** Where the preview of a branch is reached. */
function previewUrl({ settings }: Stage, branch: string): string {
  const { protocol, port } = new URL(settings.publicUrl);
  return `${protocol}//${branch}.${settings.envDomain}${port === '' ? '' : `:${port}`}`;
}

function watched(stage: Stage, url: string) {
  return { url, path: '/', timeoutMs: PATIENCE_MS, signal: stage.signal };
}

/** Makes a change, and asks for the page all the while until it says so. */
function seen(stage: Stage, text: string, change: () => Promise<unknown>) {
  return watchChange(watched(stage, stage.settings.publicUrl), change, ({ body }) => body.includes(text));
}

/** How many builds there were so far. */
async function buildCount({ reader }: Stage): Promise<number> {
  let count = 0;
  for await (const { kind } of reader.audit({ app: null, env: null, since: null }))
    if (kind === 'artifact.built') count += 1;
  return count;
}

async function page({ settings }: Stage): Promise<string> {
  const { status, body } = await ask(settings.publicUrl, '/');
  if (status !== 200) throw failed(`/ was answered with ${status}`);
  return body;
}

async function mustBeLive(stage: Stage, commit: string): Promise<void> {
  const outcome = await settled(stage, commit, stage.signal);
  if (outcome.kind === 'live') return;
  const reasons = outcome.kind === 'failed' ? outcome.reasons.map((reason) => `\n  ${reason}`).join('') : '';
  throw failed(`${outcome.message}${reasons}`);
}

/** Asks for the status until it is as it should be. */
async function until(stage: Stage, isRight: (status: Status) => boolean): Promise<Status> {
  for (const end = performance.now() + PATIENCE_MS; performance.now() < end; ) {
    stage.signal.throwIfAborted();
    const status = await stage.reader.status();
    if (isRight(status)) return status;
  }
  throw failed('what was pushed had no effect in two minutes');
}

/** What is live, as far as a rejected commit must not change it. */
function running({ environments }: Status): string {
  const live = environments.flatMap(({ deployments }) => deployments.map(({ app, live }) => [app, live]));
  return JSON.stringify(live);
}

function expectSame<T extends string | number>(found: T, expected: T): void {
  if (found !== expected) throw failed(`expected ${expected}, found ${found}`);
}

function expectText(found: string, expected: string): void {
  if (!found.includes(expected)) throw failed(`the page should say "${expected}", but does not`);
}

function failed(message: string): MainspringError {
  return new MainspringError('unexpected', `demo: ${message}`);
}

function since(startedAt: number): string {
  return `${Math.round(performance.now() - startedAt)} ms`;
}
