import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { dockerBench } from '../contract/docker-fixture.ts';
import { makeTempFolder } from '../contract/fixtures.ts';
import { dockerTest } from '../support/containers/docker-test.ts';
import { buildOf, instanceOf, never } from './docker-requests.ts';

dockerTest(
  'an engine that goes away is an error that is tried again, and when it is back all is looked at anew',
  async (t, socket) => {
    const way = await wayTo(socket);
    const bench = await dockerBench(t, socket, { engine: way.path });
    // After the bench, which cleans up by this way.
    t.after(() => way.end());
    const engine = bench.engine();
    const artifact = await engine.build(buildOf({ Dockerfile: 'FROM busybox\n' }), never());
    const request = instanceOf(artifact, { run: { command: ['/bin/sh', '-c', 'sleep 1000'] } });
    const target = await engine.start(request, never());
    const events = engine.events(t.signal)[Symbol.asyncIterator]();
    const gap = events.next();
    await way.close();
    assert.equal(engine.problem(), null, 'one that was there is only away');
    for (const question of [
      engine.list(),
      engine.inspect(request.id),
      engine.build(buildOf({ Dockerfile: 'FROM x\n' }), never()),
    ]) {
      await assert.rejects(question, { code: 'engine-failed', retry: 'after-interval' });
    }
    await way.open();
    assert.deepEqual((await gap).value, { kind: 'gap' });
    assert.deepEqual(await engine.list(), [{ id: request.id, state: { state: 'running', target } }]);
    await bench.kill(request.id);
    for (;;) {
      const { value } = await events.next();
      if (value?.kind === 'exited' && value.id === request.id) break;
    }
  },
);

/** A socket that leads to the engine's, and can be closed as if the engine had ended. */
async function wayTo(socket: string) {
  const folder = await makeTempFolder();
  const path = join(folder, 'engine.sock');
  const open = new Set<Socket>();
  let server: Server | null = null;
  const way = {
    path,
    open: async () => {
      server = createServer((near) => {
        const far = connect(socket);
        for (const [from, to] of [
          [near, far],
          [far, near],
        ] as const) {
          open.add(from);
          from.on('error', () => to.destroy()).on('close', () => open.delete(from));
          from.pipe(to);
        }
      });
      await new Promise<void>((resolve) => server?.listen(path, resolve));
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => server?.close(() => resolve()));
      for (const one of open) one.destroy();
      await closed;
      await rm(path, { force: true });
    },
  };
  await way.open();
  const end = async () => {
    await way.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { ...way, end };
}
