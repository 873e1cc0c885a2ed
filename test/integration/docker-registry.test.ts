import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { DockerEngineOptions } from '../../src/runtime/docker/docker-engine.ts';
import { type DockerBench, dockerBench } from '../contract/docker-fixture.ts';
import { tempFolder } from '../contract/fixtures.ts';
import { answer } from '../support/containers/answer.ts';
import { dockerForTests, haveBaseImages } from '../support/containers/docker.ts';
import { gone } from '../support/containers/installation.ts';
import { haveInstalled } from '../support/containers/packages.ts';
import { REGISTRY_USER, registryProgram, startRegistry, type TestRegistry } from '../support/containers/registry.ts';
import { buildOf, failureOf, logOf, never } from './docker-requests.ts';

const { docker, socket, skip: noEngine } = await dockerForTests();
const isThere = noEngine === false && (await haveInstalled([registryProgram], process.env));
const skip = noEngine || (!isThere && 'needs an image registry; on Debian: apt-get install -y docker-registry');

test('bases and images come from a registry that wants a password, which may be away later', { skip }, async (t) => {
  const { registry, bench, push } = await registryBench(t, 'settings');
  const digest = await push('base:1', 'one');
  const ref = `${registry.host}/base:1`;
  const fromBase = buildOf({ Dockerfile: `FROM ${ref}\nRUN test "$(cat /word)" = one\n` }, { network: false });
  const built = await bench.engine().build(fromBase, never());
  assert.deepEqual(
    built.bases?.map((base) => [base.ref, base.digest]),
    [[ref, digest]],
  );
  const named = imageOf(ref);
  const pinned = await bench.engine().build(named, never());
  assert.equal(pinned.digest, built.bases?.[0]?.id);
  await registry.end();
  const next = await bench.restart();
  assert.deepEqual(await next.build(fromBase, never()), built);
  assert.deepEqual(await next.build(named, never()), pinned);
  // An image that is lost is made again of what is recorded.
  await answer(docker.getImage(built.digest ?? '').remove({ force: true }));
  assert.deepEqual((await next.build(fromBase, never())).bases, built.bases);
});

for (const from of ['config', 'helper'] as const) {
  test(`a credential comes from ${from === 'config' ? 'the docker config' : 'a credential helper'}`, {
    skip,
  }, async (t) => {
    const { registry, bench, push } = await registryBench(t, from);
    const digest = await push('app:1', 'one');
    const artifact = await bench.engine().build(imageOf(`${registry.host}/app:1`), never());
    assert.equal(artifact.bases?.[0]?.digest, digest);
  });
}

for (const [from, words, hint] of [
  ['settings', 'refused the one of [registry.acme]', /username and password_file of \[registry\.acme\]/],
  ['config', 'refused the one of the docker config', /docker login 127\.0\.0\.1/],
  ['helper', 'refused the one of docker-credential-test', /docker login 127\.0\.0\.1/],
  ['nowhere', 'found none', /Add \[registry\.NAME\] with host = "127\.0\.0\.1/],
] as const) {
  test(`a registry that is told nothing right (${from}) is an error that names it and what to set`, {
    skip,
  }, async (t) => {
    const { registry, bench, push } = await registryBench(t, from, 'wrong-word');
    await push('base:1', 'one');
    const ref = `${registry.host}/base:1`;
    const error = await failureOf(bench.engine().build(buildOf({ Dockerfile: `FROM ${ref}\n` }), never()));
    assert.deepEqual([error.code, error.retry], ['build-failed', 'after-interval']);
    assert.ok(
      error.message.startsWith(`image "${ref}": registry "${registry.host}" wants a credential, ${words}`),
      error.message,
    );
    assert.match(error.hint ?? '', hint);
    assert.doesNotMatch(JSON.stringify([error, error.message, error.hint]), /wrong-word/);
  });
}

test('an image that a registry has not needs a change', { skip }, async (t) => {
  const { registry, bench } = await registryBench(t, 'settings');
  const error = await failureOf(bench.engine().build(imageOf(`${registry.host}/nobody/has:1`), never()));
  assert.deepEqual([error.code, error.retry], ['build-failed', 'needs-human']);
  assert.match(error.message, /registry "127\.0\.0\.1:\d+": .*not found/);
});

test('a tag that moved counts for the next period, and an engine’s own tag stays where it is', { skip }, async (t) => {
  const { registry, bench, push } = await registryBench(t, 'settings');
  const first = await push('base:1', 'one');
  const ref = `${registry.host}/base:1`;
  const inPeriod = (refresh?: string) =>
    buildOf({ Dockerfile: `FROM ${ref}\n` }, refresh === undefined ? {} : { refresh });
  const digestIn = async (refresh?: string) =>
    (await bench.engine().build(inPeriod(refresh), never())).bases?.[0]?.digest;
  assert.equal(await digestIn('2026-W48'), first);
  const second = await push('base:1', 'two');
  assert.equal(await digestIn('2026-W48'), first);
  assert.equal(await digestIn('2026-W49'), second);
  // Somebody else has it in the engine by its name: what has no period takes that, what has one asks.
  const own = await wordImage(bench, 'own');
  await named(t, own, ref);
  const { bases } = await bench.engine().build(inPeriod(), never());
  assert.equal(bases?.[0]?.id, own);
  assert.equal(await digestIn('2026-W50'), second);
  assert.equal((await docker.getImage(ref).inspect()).Id, own);
  await registry.end();
  const request = inPeriod('2026-W51');
  const late = await bench.engine().build(request, never());
  assert.equal(late.bases?.[0]?.id, own);
  const said = (await logOf(bench.engine(), request.key)).find((line) => line.includes('no newer image'));
  assert.match(
    said ?? '',
    /registry "127\.0\.0\.1:\d+": .*refused: no newer image could be asked for, the one that is here is used/,
  );
});

type From = 'settings' | 'config' | 'helper' | 'nowhere';

/** A registry, and an engine that has its credential from there. */
async function registryBench(t: TestContext, from: From, password: string = REGISTRY_USER.password) {
  await haveBaseImages(docker, ['busybox']);
  const registry = await startRegistry(t, docker);
  const bench = await dockerBench(t, socket, await credentialIn(t, from, { registry, password }));
  const push = async (name: string, word: string) => registry.push(await wordImage(bench, word), name);
  return { registry, bench, push };
}

async function credentialIn(
  t: TestContext,
  from: From,
  { registry: { host }, password }: { readonly registry: TestRegistry; readonly password: string },
): Promise<Partial<DockerEngineOptions>> {
  const folder = await tempFolder(t);
  const passwordFile = join(folder, 'password');
  const { username } = REGISTRY_USER;
  await writeFile(passwordFile, `${password}\n`);
  if (from === 'settings') return { registries: { acme: { host, username, passwordFile } } };
  if (from === 'nowhere') return {};
  const config = {
    config: { auths: { [host]: { auth: Buffer.from(`${username}:${password}`).toString('base64') } } },
    helper: { credHelpers: { [host]: 'test' } },
  }[from];
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  const programs = join(folder, 'programs');
  await mkdir(programs);
  // As such programs do: asked `get`, with the registry on the input, it answers with a user and a secret.
  const helper = `#!/bin/sh\nread -r host\n[ "$1 $host" = "get ${host}" ] || exit 1\nprintf '{"Username":"${username}","Secret":"%s"}' "$(cat ${passwordFile})"\n`;
  await writeFile(join(programs, 'docker-credential-test'), helper, { mode: 0o755 });
  return { env: { DOCKER_CONFIG: folder, PATH: `${programs}:${process.env.PATH}` } };
}

/** The id of an image with a word in it. */
async function wordImage(bench: DockerBench, word: string): Promise<string> {
  const files = { Dockerfile: `FROM busybox\nRUN echo ${word} > /word\n` };
  return (await bench.engine().build(buildOf(files, { network: false }), never())).digest ?? '';
}

async function named(t: TestContext, image: string, ref: string): Promise<void> {
  const colon = ref.lastIndexOf(':');
  await answer(docker.getImage(image).tag({ repo: ref.slice(0, colon), tag: ref.slice(colon + 1) }));
  t.after(() => gone(docker.getImage(ref).remove({ noprune: true } as object)));
}

function imageOf(image: string) {
  return { ...buildOf({}, { image }), exportTree: null };
}
