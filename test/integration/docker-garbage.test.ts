import assert from 'node:assert/strict';
import { MainspringError } from '../../src/model/errors.ts';
import {
  allImages,
  containersWith,
  danglingImagesWith,
  networksWith,
} from '../../src/runtime/docker/connection/listing.ts';
import { installationLabel, LABEL } from '../../src/runtime/docker/labels.ts';
import { baseTag, isOwnTag, networkName } from '../../src/runtime/docker/names.ts';
import { type DockerBench, dockerBench, TEST_SETTINGS } from '../contract/docker-fixture.ts';
import { answer } from '../support/containers/answer.ts';
import { dockerTest } from '../support/containers/docker-test.ts';
import { buildOf, failureOf, instanceOf, never } from './docker-requests.ts';

dockerTest(
  'a base image is kept for as long as an artifact is made of it, and by nobody else taken away',
  async (t, socket) => {
    const bench = await dockerBench(t, socket);
    const engine = bench.engine();
    const first = await engine.build(buildOf({ Dockerfile: 'FROM busybox\nRUN true\n' }), never());
    const second = await engine.build(buildOf({ Dockerfile: 'FROM busybox\nRUN echo\n' }), never());
    await engine.removeArtifact(first.key);
    await engine.sweep();
    const { Id } = await bench.docker.getImage('busybox').inspect();
    assert.deepEqual(await ownTags(bench), [baseTag(bench.installation, Id)]);
    await engine.removeArtifact(second.key);
    await engine.sweep();
    assert.deepEqual(await ownTags(bench), []);
    assert.equal((await bench.docker.getImage('busybox').inspect()).Id, Id);
  },
);

dockerTest(
  'what a crash left of a build, and networks that nobody is in, are swept; what is not ours stays',
  async (t, socket) => {
    const bench = await dockerBench(t, socket);
    const { docker, installation } = bench;
    const engine = bench.engine();
    const artifact = await engine.build(buildOf({ Dockerfile: 'FROM busybox\n' }), never());
    const request = instanceOf(artifact, { run: { command: ['/bin/sh', '-c', 'sleep 1000'] } });
    await engine.start(request, never());
    const others = { 'mainspring.installation': 'somebodyelse' };
    const theirs = await docker.createContainer({ Image: 'busybox', Cmd: ['true'], Labels: others });
    t.after(() => answer(theirs.remove({ force: true })));
    await answer(
      docker.createContainer({ Image: 'busybox', Cmd: ['true'], Labels: { [LABEL.installation]: installation } }),
    );
    const labels = { [LABEL.installation]: installation, [LABEL.env]: 'pr-7' };
    await answer(docker.createNetwork({ Name: `${networkName(installation, request.env)}-left`, Labels: labels }));
    await engine.sweep();
    const own = [installationLabel(installation)];
    assert.deepEqual(
      (await containersWith(docker, own)).map(({ Labels }) => Labels[LABEL.instance]),
      [request.id],
    );
    assert.deepEqual(
      (await networksWith(docker, own)).map(({ Name }) => Name),
      [networkName(installation, request.env)],
    );
    assert.equal((await theirs.inspect()).Config.Labels['mainspring.installation'], 'somebodyelse');
    assert.equal((await engine.inspect(request.id)).state, 'running');
  },
);

dockerTest('a full disk holds builds and says so; what runs goes on', async (t, socket) => {
  const bench = await dockerBench(t, socket, { settings: { ...TEST_SETTINGS, minFreeBytes: 2 ** 60 } });
  const error = await bench
    .engine()
    .build(buildOf({ Dockerfile: 'FROM busybox\n' }), never())
    .catch((reason: unknown) => reason);
  assert.ok(error instanceof MainspringError);
  assert.deepEqual([error.code, error.retry], ['engine-failed', 'after-interval']);
  assert.match(error.message, /^builds are held: \d+ MB free on the disk of the container engine/);
});

dockerTest('a build that writes more than the limit leaves is ended, and says so', async (t, socket) => {
  const bench = await dockerBench(t, socket, { settings: { ...TEST_SETTINGS, maxDiskBytes: 50 * 2 ** 20 } });
  const fills = 'dd if=/dev/zero of=/fill bs=1M count=200 && sleep 300';
  const error = await failureOf(bench.engine().build(buildOf({ Dockerfile: `FROM busybox\nRUN ${fills}\n` }), never()));
  assert.deepEqual([error.code, error.retry], ['engine-failed', 'after-interval']);
  assert.match(error.message, /^build: ended, as \d+ MB were written .* max_disk leaves 50 MB$/);
});

for (const builder of ['buildkit', 'classic'] as const) {
  dockerTest(
    `${builder}: over the limit, what can be made again goes, artifacts stay, and builds are held`,
    async (t, socket) => {
      // What others write while it builds counts as written by it, so there is no limit until it has.
      let limit: number | null = null;
      const settings = {
        ...{ ...TEST_SETTINGS, build: { ...TEST_SETTINGS.build, builder } },
        get maxDiskBytes() {
          return limit;
        },
      };
      const bench = await dockerBench(t, socket, { settings });
      const word = bench.installation;
      const files = { Dockerfile: `FROM busybox\nRUN echo ${word} > /a\nRUN echo ${word} > /b\n` };
      const artifact = await bench.engine().build(buildOf(files), never());
      limit = 1_000;
      const engine = await bench.restart();
      await engine.sweep();
      assert.deepEqual(await engine.listArtifacts(), [artifact.key]);
      const unnamed = await danglingImagesWith(bench.docker, installationLabel(bench.installation));
      assert.deepEqual(
        unnamed.map(({ Id }) => Id),
        [],
      );
      const next = engine.build(buildOf({ Dockerfile: 'FROM busybox\nRUN true\n' }), never());
      await assert.rejects(next, (error: Error) =>
        /^builds are held: \d+ MB over \[docker\] max_disk/.test(error.message),
      );
      // What is there needs no build.
      assert.deepEqual(await engine.build(buildOf(files), never()), artifact);
    },
  );
}

async function ownTags({ docker, installation }: DockerBench): Promise<string[]> {
  const tags = (await allImages(docker)).flatMap(({ RepoTags }) => RepoTags ?? []);
  return tags.filter((tag) => isOwnTag(installation, tag, 'base'));
}
