import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import type Docker from 'dockerode';
import { eventually } from '../e2e/support/eventually.ts';
import { answer } from '../support/containers/answer.ts';
import { dockerForTests, haveBaseImages } from '../support/containers/docker.ts';
import { installationLabel, leftOf, removeInstallation, testInstallation } from '../support/containers/installation.ts';
import { grantableLimits } from '../support/containers/limits.ts';

const { docker, skip } = await dockerForTests();

interface Build {
  readonly engine: Docker;
  readonly installation: string;
  readonly lines: readonly string[];
}

/** Builds a Dockerfile of these lines and returns the image's id. */
async function build(t: TestContext, { engine, installation, lines }: Build): Promise<string> {
  const context = mkdtempSync(join(tmpdir(), 'mainspring-build-'));
  t.after(() => rmSync(context, { recursive: true, force: true }));
  writeFileSync(join(context, 'Dockerfile'), `${lines.join('\n')}\n`);
  const tag = `mainspring-test/${installation}`;
  const labels = { [installationLabel]: installation };
  const options = { t: tag, labels, rm: true, forcerm: true };
  const log = await text(await answer(engine.buildImage({ context, src: ['Dockerfile'] }, options)));
  assert.doesNotMatch(log, /"errorDetail"/, log);
  return (await engine.getImage(tag).inspect()).Id;
}

/** Starts a container whose port 8000 is published on loopback, and returns its URL. */
async function start(engine: Docker, installation: string, image: string): Promise<string> {
  const container = await engine.createContainer({
    Image: image,
    Labels: { [installationLabel]: installation },
    ExposedPorts: { '8000/tcp': {} },
    HostConfig: {
      PortBindings: { '8000/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] },
      Ulimits: grantableLimits(),
    },
  });
  await container.start();
  const { NetworkSettings: network } = await container.inspect();
  return `http://127.0.0.1:${network.Ports['8000/tcp']?.[0]?.HostPort}/`;
}

/** Waits for the first answer. */
const answerOf = (url: string): Promise<string> => eventually(async () => (await fetch(url)).text());

const served = ['EXPOSE 8000', 'RUN echo made here > /srv/index.html'];
const busyboxLines = ['FROM busybox:1', 'RUN mkdir /srv', ...served, 'CMD ["httpd", "-f", "-p", "8000", "-h", "/srv"]'];

test('an ordinary Dockerfile on busybox is built, and its container answers on a loopback port', {
  skip,
}, async (t) => {
  await haveBaseImages(docker, ['busybox:1']);
  const installation = testInstallation(t, docker);
  const image = await build(t, { engine: docker, installation, lines: busyboxLines });
  const url = await start(docker, installation, image);
  assert.equal(await answerOf(url), 'made here\n');
});

test('an ordinary Dockerfile on python:3.13-slim gets packages with pip, and runs as nobody', { skip }, async (t) => {
  await haveBaseImages(docker, ['python:3.13-slim']);
  const installation = testInstallation(t, docker);
  const program =
    'import os, itsdangerous, http.server as h; os.chdir("/srv"); h.test(h.SimpleHTTPRequestHandler, port=8000)';
  const lines = [
    ...['FROM python:3.13-slim', 'RUN pip install --no-cache-dir itsdangerous==2.2.0', 'RUN useradd --create-home app'],
    ...['RUN mkdir -p /srv', ...served, 'USER nobody', `CMD ${JSON.stringify(['python', '-c', program])}`],
  ];
  const image = await build(t, { engine: docker, installation, lines });
  const url = await start(docker, installation, image);
  assert.equal(await answerOf(url), 'made here\n');
});

test('what carries the label of an installation is named, and gone when that is removed', { skip }, async (t) => {
  await haveBaseImages(docker, ['busybox:1']);
  const installation = testInstallation(t, docker);
  const other = testInstallation(t, docker);
  const Labels = { [installationLabel]: installation };
  await docker.createNetwork({ Name: `${installation}-net`, Labels });
  await answer(docker.createVolume({ Name: `${installation}-data`, Labels }));
  const image = await build(t, { engine: docker, installation, lines: ['FROM busybox:1', 'RUN true'] });
  const Cmd = ['sleep', '1000'];
  const container = await docker.createContainer({ Image: image, name: `${installation}-app`, Cmd, Labels });
  await container.start();
  await answer(docker.createVolume({ Name: `${other}-data`, Labels: { [installationLabel]: other } }));
  assert.deepEqual(await leftOf(docker, installation), [
    `container ${installation}-app`,
    `network ${installation}-net`,
    `volume ${installation}-data`,
    `image mainspring-test/${installation}:latest`,
  ]);
  await removeInstallation(docker, installation);
  assert.deepEqual(await leftOf(docker, installation), []);
  assert.deepEqual(await leftOf(docker, other), [`volume ${other}-data`]);
});
