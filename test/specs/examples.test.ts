import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, test } from 'node:test';
import puppeteer, { type Browser } from 'puppeteer-core';
import { pushTo } from '../e2e/support/branches.ts';
import { removeContainersAfter } from '../e2e/support/container-team.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { Installation } from '../e2e/support/installation.ts';
import { dockerForTests, haveBaseImages } from '../support/containers/docker.ts';
import { clickThrough } from './click-through.ts';
import { EXAMPLE_BASES, exampleFiles, exampleNames } from './example-files.ts';

const CHROMIUM = '/usr/bin/chromium';
const BUILD_MS = 8 * 60_000;

/** Examples whose heading takes its colour from an asset of their own; the others bring a theme. */
const OWN_ASSET = 'rgb(0, 96, 160)';
const THEMED = ['python-streamlit', 'python-gradio'];

const engine = await dockerForTests();
const skip =
  engine.skip || (!existsSync(CHROMIUM) && `needs Chromium at ${CHROMIUM}; on Debian: apt-get install -y chromium`);

let browser: Browser;

before(async () => {
  if (skip !== false) return;
  await haveBaseImages(engine.docker, EXAMPLE_BASES);
  browser = await puppeteer.launch({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox',
      '--disable-dev-shm-usage',
      '--disable-gpu',
      '--no-proxy-server',
      '--disable-background-networking',
    ],
  });
});

after(() => browser?.close());

const declared = (name: string, more = '') => ({ 'apps.star': `app("/tools/${name}", "./${name}"${more})\n` });

for (const name of exampleNames) {
  test(`the example of ${name} is found, built once, and clicked through at prod, stage and preview`, {
    skip,
    timeout: 2 * BUILD_MS,
  }, async (t) => {
    const path = `/tools/${name}`;
    const files = { ...exampleFiles(name), ...declared(name) };
    const installation = await Installation.create(t, files, { docker: engine.socket, onExit: 'stop' });
    removeContainersAfter(t, installation);
    await installation.serve();
    const live = (env: string) =>
      eventually(
        async () => {
          const status = await installation.status();
          const [found] = status.environments.find((one) => one.name === env)?.deployments ?? [];
          const next = found?.next;
          if (next != null && ['held', 'quarantined'].includes(next.state)) return new Error(`${env}: ${next.reason}`);
          return found?.live ?? undefined;
        },
        { within: BUILD_MS, every: 250, what: `${name} live in ${env}` },
      ).then((found) => {
        if (found instanceof Error) throw found;
        return found;
      });
    const prod = await live('prod');
    const stage = await live('stage');
    await pushTo(
      installation,
      { repo: 'config', branch: 'feature-x' },
      declared(name, ', params = {"COLOUR": "blue"}'),
    );
    const preview = await live('feature-x');
    assert.ok(prod.artifact.digest !== null);
    assert.deepEqual([stage.artifact, preview.artifact], [prod.artifact, prod.artifact]);
    for (const host of ['localhost', 'stage.env.localhost', 'feature-x.env.localhost']) {
      const seen = await clickThrough(browser, `http://${host}:${installation.port}${path}`);
      assert.deepEqual(seen.broken, [], host);
      assert.ok(seen.path.startsWith(path), `${host}: ${seen.path}`);
      assert.equal(seen.colour === OWN_ASSET, !THEMED.includes(name), `${host}: ${seen.colour}`);
    }
    assert.equal(await installation.daemon?.stop(), 0);
  });
}
