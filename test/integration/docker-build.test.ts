import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { MainspringError } from '../../src/model/errors.ts';
import type { ArtifactKey } from '../../src/model/ids.ts';
import { containersWith } from '../../src/runtime/docker/connection/listing.ts';
import { installationLabel } from '../../src/runtime/docker/labels.ts';
import { dockerBench, TEST_SETTINGS } from '../contract/docker-fixture.ts';
import { eventually } from '../contract/engine-contract.ts';
import { reading } from '../contract/fixtures.ts';
import { answer } from '../support/containers/answer.ts';
import { dockerTest } from '../support/containers/docker-test.ts';
import { gone } from '../support/containers/installation.ts';
import { buildOf, failureOf, instanceOf, logOf, never } from './docker-requests.ts';

for (const [builder, way] of [
  ['buildkit', 'read'],
  ['classic', 'read'],
  ['buildkit', 'exported'],
] as const) {
  const settings = { ...TEST_SETTINGS, build: { ...TEST_SETTINGS.build, builder } };

  dockerTest(
    `${builder}, source ${way}: arguments, target stage and ignored files go into a build`,
    async (t, socket) => {
      const bench = await dockerBench(t, socket, { settings });
      const engine = bench.engine();
      const files = {
        Dockerfile: 'FROM busybox AS a\nARG WHO=nobody\nCOPY . /src\nRUN echo "$WHO" > /who\nFROM a AS b\nRUN exit 1\n',
        '.dockerignore': '*.secret\n!keep.secret\nsub\n',
        ...{ 'a.secret': '1', 'keep.secret': '2', 'sub/x': '3', 'plain.txt': '4' },
      };
      const artifact = await engine.build(buildOf(files, { args: { WHO: 'somebody' }, target: 'a' }, way), never());
      const said = await outputOf(bench, artifact, 'cat /who; cd /src; find . -type f | sort');
      assert.deepEqual(said, ['somebody', './.dockerignore', './Dockerfile', './keep.secret', './plain.txt']);
    },
  );

  dockerTest(
    `${builder}, source ${way}: a step that fails is the reason, with its last lines, and is in the log`,
    async (t, socket) => {
      const bench = await dockerBench(t, socket, { settings });
      const engine = bench.engine();
      const fine = `fine ${bench.installation}`;
      const failing = `RUN echo ${fine}\nRUN echo so; sleep 0.1; echo not so >&2; exit 7`;
      const request = buildOf({ Dockerfile: `FROM busybox\n${failing}\n` }, {}, way);
      const error = await failureOf(engine.build(request, never()));
      assert.deepEqual([error.code, error.retry], ['build-failed', 'needs-human']);
      assert.match(error.message, /step ".*RUN echo so; .*": exited with code 7\n(.*\n)*so\nnot so/);
      assert.doesNotMatch(error.message, /^fine/m);
      const log = await logOf(engine, request.key);
      assert.ok(
        [fine, 'so', 'not so'].every((line) => log.includes(line)),
        log.join('\n'),
      );
      assert.deepEqual(await engine.listArtifacts(), []);
      await eventually(async () => ((await containersNow(bench)).length === 0 ? true : undefined));
    },
  );

  dockerTest(
    `${builder}, source ${way}: a build that is cancelled ends in the engine too, and leaves no folder`,
    async (t, socket) => {
      const bench = await dockerBench(t, socket, { settings });
      const engine = bench.engine();
      const cancel = new AbortController();
      const mark = `sleep 30${bench.installation.replace(/\D/g, '').slice(0, 4)}`;
      const request = buildOf({ Dockerfile: `FROM busybox\nRUN echo begun; ${mark}\n` }, {}, way);
      const building = engine.build(request, cancel.signal);
      building.catch(() => undefined);
      await eventually(async () => ((await logOf(engine, request.key)).includes('begun') ? true : undefined));
      assert.ok(await isRunningHere(mark), 'the step runs on this machine');
      const work = () => readdir(join(bench.dataDir, 'docker', 'work')).catch(() => []);
      assert.equal((await work()).length, way === 'read' ? 0 : 1);
      cancel.abort();
      await assert.rejects(building, { name: 'AbortError' });
      await eventually(async () => ((await isRunningHere(mark)) ? undefined : true));
      await eventually(async () => ((await containersNow(bench)).length === 0 ? true : undefined));
      assert.deepEqual(await work(), []);
    },
  );

  dockerTest(`${builder}, source ${way}: a build that takes too long is ended and says so`, async (t, socket) => {
    const bench = await dockerBench(t, socket, { settings });
    const request = buildOf({ Dockerfile: 'FROM busybox\nRUN sleep 300\n' }, { timeout: '2s' }, way);
    const error = await failureOf(bench.engine().build(request, never()));
    assert.deepEqual([error.code, error.message], ['build-timeout', 'build: not done after 2s']);
    await eventually(async () => ((await containersNow(bench)).length === 0 ? true : undefined));
  });
}

dockerTest('a source that can not be read is why there is no build', async (t, socket) => {
  const engine = (await dockerBench(t, socket)).engine();
  const broken = new MainspringError('git-tree-unsupported', 'export of tree x: "b" is a pointer to a file in Git LFS');
  const readTree = reading({
    Dockerfile: 'FROM busybox\nCOPY . /src\n',
    b: () => {
      throw broken;
    },
  });
  const request = { ...buildOf({ n: 'unreadable' }), readTree };
  assert.equal(await failureOf(engine.build(request, never())), broken);
  assert.deepEqual(await engine.listArtifacts(), []);
});

dockerTest('a build without a network reaches none', async (t, socket) => {
  const bench = await dockerBench(t, socket);
  const files = { Dockerfile: 'FROM busybox\nRUN ls /sys/class/net > /nets\n' };
  const artifact = await bench.engine().build(buildOf(files, { network: false }), never());
  assert.deepEqual(await outputOf(bench, artifact, 'cat /nets'), ['lo']);
});

dockerTest('base images are recorded, and a tag that moves changes nothing until the inputs do', async (t, socket) => {
  const bench = await dockerBench(t, socket);
  const { docker, installation } = bench;
  const base = `mainspring-test-${installation}`;
  const make = async (word: string) => {
    const temporary = await bench
      .engine()
      .build(buildOf({ Dockerfile: `FROM busybox\nRUN echo ${word} > /word\n` }), never());
    await answer(docker.getImage(temporary.digest ?? '').tag({ repo: base, tag: 'latest' }));
    return temporary;
  };
  t.after(() => gone(docker.getImage(base).remove({ force: true })));
  const first = await make('one');
  const request = buildOf({ Dockerfile: `FROM ${base}\nRUN echo mine > /mine\n` });
  const artifact = await bench.engine().build(request, never());
  const { Config } = await docker.getImage(artifact.digest ?? '').inspect();
  const recorded = JSON.parse(Config.Labels['mainspring.bases'] ?? '');
  assert.deepEqual(recorded, [{ ref: base, id: first.digest, digest: null }]);
  await make('two');
  assert.deepEqual(await bench.engine().build(request, never()), artifact);
  // Lost, it is made again from what it was made from before.
  await answer(docker.getImage(artifact.digest ?? '').remove({ force: true }));
  const again = await bench.engine().build(request, never());
  assert.deepEqual(await outputOf(bench, again, 'cat /word'), ['one']);
});

dockerTest(
  'an image that is named is pinned when it is built first, whatever becomes of its tag',
  async (t, socket) => {
    const bench = await dockerBench(t, socket);
    const { docker, installation } = bench;
    const name = `mainspring-test-${installation}:1`;
    const source = await bench
      .engine()
      .build(buildOf({ Dockerfile: 'FROM busybox\nCMD ["sh", "-c", "echo pinned"]\n' }), never());
    await answer(docker.getImage(source.digest ?? '').tag({ repo: name.split(':')[0] ?? '', tag: '1' }));
    const request = { ...buildOf({}, { image: name }), exportTree: null };
    const artifact = await bench.engine().build(request, never());
    assert.equal(artifact.digest, source.digest);
    await bench.engine().removeArtifact(source.key);
    await answer(docker.getImage(name).remove({ force: true }));
    assert.deepEqual(await bench.engine().build(request, never()), artifact);
    assert.equal(await bench.engine().hasArtifact(request.key), true);
  },
);

dockerTest(
  'a Containerfile that the spec brings wins over the one of the source, and a missing one is said',
  async (t, socket) => {
    const bench = await dockerBench(t, socket);
    const own = buildOf(
      { Dockerfile: 'FROM nowhere\n', text: 'x\n' },
      { containerfile: 'FROM busybox\nCOPY text /text\n' },
    );
    const artifact = await bench.engine().build(own, never());
    assert.deepEqual(await outputOf(bench, artifact, 'cat /text'), ['x']);
    const error = await failureOf(bench.engine().build(buildOf({ text: 'x' }), never()));
    assert.match(error.message, /expected a file "Containerfile" or "Dockerfile" in the source, found none/);
  },
);

dockerTest(
  'an image that nobody has is an error that names it, and is tried again where a registry may come back',
  async (t, socket) => {
    const bench = await dockerBench(t, socket);
    const request = buildOf({ Dockerfile: 'FROM 127.0.0.1:9/nobody/has:1\n' });
    const error = await failureOf(bench.engine().build(request, never()));
    assert.deepEqual([error.code, error.retry], ['build-failed', 'after-interval']);
    assert.match(error.message, /image "127.0.0.1:9\/nobody\/has:1"/);
  },
);

type Bench = Awaited<ReturnType<typeof dockerBench>>;

/** What a shell in a container of the artifact prints. */
async function outputOf(
  bench: Bench,
  artifact: { key: ArtifactKey; digest: string | null },
  script: string,
): Promise<string[]> {
  const engine = bench.engine();
  const request = instanceOf(artifact, { run: { command: ['/bin/sh', '-c', `${script}; echo END; sleep 1000`] } });
  await engine.start(request, never());
  const lines = await eventually(async () => {
    const all: string[] = [];
    for await (const line of engine.logs({ of: { instance: request.id }, tail: 100, follow: false }, never()))
      all.push(line.text);
    return all.includes('END') ? all : undefined;
  });
  await engine.remove(request.id);
  return lines.slice(0, lines.indexOf('END'));
}

async function containersNow({ docker, installation }: Bench): Promise<readonly unknown[]> {
  return containersWith(docker, [installationLabel(installation)]);
}

/** Whether a process of this machine has that in its command line. */
async function isRunningHere(text: string): Promise<boolean> {
  const { stdout } = await execa('ps', ['-eo', 'args']);
  return stdout.split('\n').some((line) => line.includes(text) && !line.includes('ps -eo'));
}
