import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'puppeteer-core';
import type { StatusDeployment } from '../../src/model/surface.ts';
import { pushTo } from '../e2e/support/branches.ts';
import { removeContainersAfter } from '../e2e/support/container-team.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { Installation } from '../e2e/support/installation.ts';
import { chromiumSkip, launchChromium } from '../support/chromium.ts';
import { dockerForTests, haveBaseImages } from '../support/containers/docker.ts';
import { clickThrough } from './click-through.ts';
import { EXAMPLE_BASES, exampleFiles, exampleNames } from './example-files.ts';

const BUILDS_MS = 15 * 60_000;

/** Examples whose heading takes its colour from an asset of their own; the others bring a theme. */
const OWN_ASSET = 'rgb(0, 96, 160)';
const THEMED = ['python-streamlit', 'python-gradio'];

/** What an example is started with. What a JVM compiles to be fast for days is most of the work of its start, three times over. */
const PARAMS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'java-spring-boot': { JAVA_TOOL_OPTIONS: '-XX:TieredStopAtLevel=1' },
};

/** Examples whose server watches its workers by the clock, which jumps over a pause. */
const GUNICORN = ['python-flask', 'python-wsgi'];
/** Examples that sleep while others are built: what Gradio does when it is idle takes a twelfth of a core. */
const PAUSED = ['python-gradio', ...GUNICORN];

const HOSTS = ['localhost', 'stage.env.localhost', 'feature-x.env.localhost'];

const engine = await dockerForTests();
const skip = engine.skip || chromiumSkip;

let browser: Browser;
let installation: Installation;
const ends: (() => unknown)[] = [];
const atTheEnd = { after: (end: () => unknown) => ends.push(end) };

before(async () => {
  if (skip !== false) return;
  await haveBaseImages(engine.docker, EXAMPLE_BASES);
  // All of one team: while one build waits for its registry, another has the cores.
  const files = { ...Object.assign({}, ...exampleNames.map(exampleFiles)), ...declared() };
  installation = await Installation.create(atTheEnd, files, { docker: engine.socket, onExit: 'stop' });
  removeContainersAfter(atTheEnd, installation);
  await installation.serve();
  await pushTo(installation, { repo: 'config', branch: 'feature-x' }, declared({ COLOUR: 'blue' }));
  // Not one by one: each container that starts or ends disturbs the browser.
  await eventually(allDecided, { within: BUILDS_MS, every: 2_000, what: 'all examples live or held' });
  browser = await launchChromium();
});

after(async () => {
  for (const end of ends) await end();
  await browser?.close();
});

for (const name of exampleNames) {
  test(`the example of ${name} is found, built once, and clicked through at prod, stage and preview`, {
    skip,
  }, async () => {
    const all = await deployments();
    const found = all.filter(({ url }) => new URL(url).pathname === `/tools/${name}`);
    const artifacts = found.map(({ live, next }) => {
      assert.ok(live !== null && next === null, next?.reason ?? 'not live');
      return live.artifact;
    });
    assert.ok(artifacts[0]?.digest != null);
    assert.deepEqual(
      artifacts,
      HOSTS.map(() => artifacts[0]),
    );
    await Promise.all(HOSTS.map((host) => clickAt(host, name)));
  });
}

for (const name of GUNICORN) {
  test(`Gunicorn of ${name} keeps its workers over a pause`, { skip }, async () => {
    const { stdout } = await installation.run('logs', `/tools/${name}`);
    assert.match(stdout, /Booting worker/);
    assert.doesNotMatch(stdout, /WORKER TIMEOUT/);
  });
}

test('a daemon that serves all examples ends in order', { skip }, async () => {
  assert.equal(await installation.daemon?.stop(), 0);
});

async function clickAt(host: string, name: string): Promise<void> {
  const seen = await clickThrough(browser, `http://${host}:${installation.port}/tools/${name}`);
  assert.deepEqual(seen.broken, [], host);
  assert.ok(seen.path.startsWith(`/tools/${name}`), `${host}: ${seen.path}`);
  assert.equal(seen.colour === OWN_ASSET, !THEMED.includes(name), `${host}: ${seen.colour}`);
}

/** One that fails must not hold up the others. */
function declared(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const apps = exampleNames.map((name) => {
    const params = JSON.stringify({ ...PARAMS[name], ...more });
    const idle = PAUSED.includes(name) ? ', idle = {"pause": "15s"}' : '';
    return `app("/tools/${name}", "./${name}", params = ${params}${idle})\n`;
  });
  return { 'apps.star': `release(atomic = False)\n${apps.join('')}` };
}

async function allDecided(): Promise<true | undefined> {
  const all = await deployments();
  return (all.length === exampleNames.length * HOSTS.length && all.every(isDecided)) || undefined;
}

function isDecided({ live, next }: StatusDeployment): boolean {
  return next === null ? live !== null : ['held', 'quarantined'].includes(next.state);
}

/** Those of all environments that are there by now. */
async function deployments(): Promise<StatusDeployment[]> {
  const { environments } = await installation.status();
  return environments.flatMap((environment) => environment.deployments);
}
