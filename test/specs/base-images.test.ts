import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dockerForTests, haveBaseImages } from '../support/containers/docker.ts';
import { installationLabel, testInstallation } from '../support/containers/installation.ts';
import { grantableLimits } from '../support/containers/limits.ts';

const { docker, skip } = await dockerForTests();

const modules = 'ssl, sqlite3, ctypes, lzma, bz2, zlib, uuid';

for (const [image, command, expected] of [
  ['busybox:1', 'wget --help && id nobody', /uid=65534/],
  [
    'debian:bookworm-slim',
    'openssl version && groupadd app && useradd -m -g app app && id app',
    /^OpenSSL 3[\s\S]*\(app\)/,
  ],
  [
    'python:3.13-slim',
    `python -c 'import ${modules}' && pip --version && python -m venv /tmp/v && echo whole`,
    /whole$/,
  ],
  ['node:24-slim', 'node --version && npm --version && npx --version && id node', /^v\d[\s\S]*uid=1000\(node\)/],
  ['golang:1.26', 'go version && go env GOPROXY', /^go version go1\.\d+/],
  ['maven:3.9-eclipse-temurin-21', 'mvn --version && javac -version', /Apache Maven 3[\s\S]*javac \d+/],
  ['eclipse-temurin:21-jre', 'java -version && ls "$JAVA_HOME/bin/java"', /openjdk version[\s\S]*bin\/java/],
] as const) {
  test(`${image} has what Dockerfiles expect of it`, { skip }, async (t) => {
    await haveBaseImages(docker, [image]);
    const installation = testInstallation(t, docker);
    const container = await docker.createContainer({
      Image: image,
      Entrypoint: ['sh', '-c', `${command} 2>&1`],
      Labels: { [installationLabel]: installation },
      // The output as it is written, without frames around it.
      Tty: true,
      HostConfig: { Ulimits: grantableLimits(), NetworkMode: 'none' },
    });
    await container.start();
    const { StatusCode: code } = await container.wait();
    const output = String(await container.logs({ stdout: true, stderr: true }))
      .replaceAll('\r', '')
      .trim();
    assert.equal(code, 0, output);
    assert.match(output, expected);
  });
}
