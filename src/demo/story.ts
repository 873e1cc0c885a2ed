import { configErrorLines } from '../cli/render-status.ts';
import { oneLine, type Paint, shortId } from '../cli/terminal.ts';
import { MainspringError } from '../model/errors.ts';
import type { Status } from '../model/surface.ts';
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
  { title: 'push a change of the app', play: pushApp },
  { title: 'break the config and push', play: breakConfig },
  { title: 'revert it', play: revert },
  { title: 'ask the audit log', play: askAudit },
];

const HEADLINE = "What's on main is what runs";
const NEW_HEADLINE = 'This page was pushed a moment ago';
const NEW_GREETING = 'Good to see you';

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
  const { ms, requests } = await seen(stage, '/', 'A new headline', NEW_HEADLINE);
  return [`${ms} ms from "git commit" to the new page, ${requests} requests meanwhile, none failed`];
}

async function pushApp(stage: Stage): Promise<readonly string[]> {
  await stage.repo.replace('apps.star', '"GREETING": "Hello"', `"GREETING": "${NEW_GREETING}"`);
  const { ms, requests } = await seen(stage, '/hello', 'Another greeting', NEW_GREETING);
  return [`${ms} ms from "git commit" to the new process, ${requests} requests meanwhile, none failed`];
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
    if (line.cause.kind !== 'commit' || !/^(config\.|deployment\.live)/.test(line.kind)) continue;
    const subject = await stage.repo.subject(line.cause.commit);
    const what = [line.kind, line.app ?? ''].join(' ').trimEnd();
    told.push(`${stage.paint('cyan', shortId(line.cause.commit))} ${oneLine(subject)}: ${oneLine(what)}`);
  }
  expectSame(told.length, EXPECTED_EVENTS);
  return [`${verdict.lines} events, and the chain of their hashes holds`, ...told];
}

/** Five commits, of which one was rejected; two apps at first, then one at a time. */
const EXPECTED_EVENTS = 5 + 4;

function seen(stage: Stage, path: string, message: string, text: string) {
  const where = { url: stage.settings.publicUrl, path, timeoutMs: PATIENCE_MS, signal: stage.signal };
  return watchChange(
    where,
    () => stage.repo.commitAndPush(message),
    (body) => body.includes(text),
  );
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
