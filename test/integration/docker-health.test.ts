import assert from 'node:assert/strict';
import { containerName } from '../../src/runtime/docker/names.ts';
import type { EngineEvent } from '../../src/runtime/engine.ts';
import { type DockerBench, dockerBench } from '../contract/docker-fixture.ts';
import { eventually } from '../contract/engine-contract.ts';
import { dockerTest } from '../support/containers/docker-test.ts';
import { buildOf, instanceOf, never } from './docker-requests.ts';

/** Well after each start, until somebody says that it is not. */
const CHECKED = `FROM busybox
HEALTHCHECK --interval=1s --timeout=5s --retries=2 CMD if test -e /sick; then echo not well; exit 1; fi
CMD ["/bin/sh", "-c", "rm -f /sick; exec httpd -f -p $PORT -h /"]
`;

dockerTest('an instance that its own check calls unhealthy counts as ended, and is started anew', async (t, socket) => {
  const { bench, request } = await checked(t, socket);
  const events = bench.engine().events(t.signal);
  await healthIs(bench, 'healthy');
  const begun = await startedAt(bench);
  await makeSick(bench);
  const { reason } = await nextEnd(events);
  assert.match(reason, /^unhealthy: the HEALTHCHECK of its image failed \d+ times in a row \(last: not well\)$/);
  const state = await bench.engine().inspect(request.id);
  assert.ok(state.state === 'exited' && state.reason.startsWith('unhealthy: '), JSON.stringify(state));
  const target = await bench.engine().start(request, never());
  assert.deepEqual(await bench.engine().inspect(request.id), { state: 'running', target });
  assert.notEqual(await startedAt(bench), begun);
  await healthIs(bench, 'healthy');
});

dockerTest('one that became unhealthy while nobody watched is found so', async (t, socket) => {
  const { bench, request } = await checked(t, socket);
  await bench.engine().close();
  await makeSick(bench);
  await healthIs(bench, 'unhealthy');
  const next = await bench.restart();
  await eventually(async () => ((await next.inspect(request.id)).state === 'exited' ? true : undefined));
  assert.equal((await next.list())[0]?.state.state, 'exited');
});

dockerTest('one that goes on after a pause is not taken for unhealthy', async (t, socket) => {
  const { bench, request } = await checked(t, socket);
  await healthIs(bench, 'healthy');
  await bench.engine().pause?.(request.id);
  const target = await bench.engine().start(request, never());
  assert.deepEqual(await bench.engine().inspect(request.id), { state: 'running', target });
  assert.deepEqual(await bench.engine().list(), [{ id: request.id, state: { state: 'running', target } }]);
});

async function checked(t: Parameters<Parameters<typeof dockerTest>[1]>[0], socket: string) {
  const bench = await dockerBench(t, socket);
  const request = instanceOf(await bench.engine().build(buildOf({ Dockerfile: CHECKED }), never()));
  await bench.engine().start(request, never());
  return { bench, request };
}

const container = (bench: DockerBench) =>
  bench.docker.getContainer(containerName(bench.installation, instanceOf(NONE).id));
const NONE = { key: '', digest: null } as never;

async function makeSick(bench: DockerBench): Promise<void> {
  const command = await container(bench).exec({ Cmd: ['/bin/touch', '/sick'] });
  const stream = await command.start({ Detach: true });
  stream.destroy();
}

async function healthIs(bench: DockerBench, wanted: string): Promise<void> {
  await eventually(async () => ((await container(bench).inspect()).State.Health?.Status === wanted ? true : undefined));
}

async function startedAt(bench: DockerBench): Promise<string> {
  return (await container(bench).inspect()).State.StartedAt;
}

async function nextEnd(events: AsyncIterable<EngineEvent>) {
  for await (const event of events) if (event.kind === 'exited') return event;
  throw new Error('no end was told');
}
