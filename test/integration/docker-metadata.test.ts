import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { execa } from 'execa';
import { closeMetadata, closingCommands, metadataState } from '../../src/runtime/docker/networks/metadata-guard.ts';
import { dockerBench, TEST_SETTINGS } from '../contract/docker-fixture.ts';
import { eventually } from '../contract/engine-contract.ts';
import { dockerTest } from '../support/containers/docker-test.ts';
import { buildOf, instanceOf, never } from './docker-requests.ts';

// A range of its own, so that rules of this test touch no other.
const RANGE = '10.215.0.0/16';
const ADDRESS = '169.254.169.254';

dockerTest('a container can not reach the metadata of a cloud, once the firewall is told', async (t, socket) => {
  if (process.getuid?.() !== 0) return t.skip('only root may set the firewall of this machine');
  const taken = (await execa('ip', ['route', 'get', ADDRESS], { reject: false })).stdout;
  if (!taken.includes(' via ')) return t.skip(`${ADDRESS} is somebody's on this machine`);
  await metadataServer(t);
  t.after(removeRules);
  const bench = await dockerBench(t, socket, { settings: { ...TEST_SETTINGS, networks: RANGE } });
  const artifact = await bench.engine().build(buildOf({ Dockerfile: 'FROM debian:bookworm-slim\n' }), never());
  const look = () =>
    said(
      bench,
      artifact,
      `timeout 3 bash -c 'exec 3<>/dev/tcp/${ADDRESS}/80; head -c 6 <&3' 2>/dev/null || echo closed`,
    );
  assert.deepEqual(await look(), ['secret'], 'the listener of this test is reached as long as nothing is closed');
  assert.deepEqual((await metadataState(RANGE)).isClosed, false);
  assert.deepEqual(await closeMetadata(RANGE), { isClosed: true });
  assert.deepEqual(await metadataState(RANGE), { isClosed: true });
  assert.equal((await look()).at(-1), 'closed');
});

/** Something that listens at the metadata address, in a network of its own that this machine leads to. */
async function metadataServer(t: TestContext): Promise<void> {
  const tag = randomBytes(3).toString('hex');
  const [namespace, near, far] = [`msmeta-${tag}`, `msn-${tag}`, `msf-${tag}`];
  const inside = ['netns', 'exec', namespace];
  t.after(() => execa('ip', ['netns', 'del', namespace], { reject: false }));
  t.after(() => execa('ip', ['link', 'del', near], { reject: false }));
  const steps = [
    ['netns', 'add', namespace],
    ['link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', namespace],
    ['addr', 'add', '169.254.77.1/30', 'dev', near],
    ['link', 'set', near, 'up'],
    [...inside, 'ip', 'addr', 'add', '169.254.77.2/30', 'dev', far],
    [...inside, 'ip', 'addr', 'add', `${ADDRESS}/32`, 'dev', far],
    [...inside, 'ip', 'link', 'set', far, 'up'],
    [...inside, 'ip', 'route', 'add', 'default', 'via', '169.254.77.1'],
    ['route', 'add', `${ADDRESS}/32`, 'via', '169.254.77.2'],
  ];
  for (const step of steps) await execa('ip', step);
  const program = `require('node:net').createServer((s) => s.end('secret')).listen(80, '${ADDRESS}', () => console.log('up'))`;
  const server: ChildProcess = spawn('ip', [...inside, process.execPath, '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => server.kill('SIGKILL'));
  await once(server.stdout as NodeJS.ReadableStream, 'data');
}

async function removeRules(): Promise<void> {
  for (const command of closingCommands(RANGE)) {
    const [, , chain = '', , ...rule] = command.split(' ');
    await execa('iptables', ['-w', '5', '-D', chain, ...rule], { reject: false });
  }
}

type Bench = Awaited<ReturnType<typeof dockerBench>>;

async function said(bench: Bench, artifact: Parameters<typeof instanceOf>[0], script: string): Promise<string[]> {
  const engine = bench.engine();
  const run = { command: ['/bin/sh', '-c', `${script}; echo; echo END; exec sleep 1000`] };
  const request = instanceOf(artifact, { run });
  await engine.start(request, never());
  const lines = await eventually(async () => {
    const all: string[] = [];
    for await (const { text } of engine.logs({ of: { instance: request.id }, tail: 100, follow: false }, never()))
      all.push(text);
    return all.includes('END') ? all : undefined;
  });
  await engine.remove(request.id);
  return lines.filter((line) => line !== 'END' && line !== '');
}
