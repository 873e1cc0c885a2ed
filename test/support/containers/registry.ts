import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type Docker from 'dockerode';
import { tempFolder } from '../../contract/fixtures.ts';
import { freePort } from '../free-port.ts';
import { answer } from './answer.ts';
import type { Program } from './packages.ts';

/** The program that is an image registry. */
export const registryProgram: Program = { name: 'docker-registry', packages: ['docker-registry'] };

/** Who may read and write in registries of tests. */
export const REGISTRY_USER = { username: 'bob', password: 'only-for-tests' };
// That password, by bcrypt.
const HTPASSWD = 'bob:$2y$05$k4Jq9TzR1vXbW8mYc2LdQeKRHfBuzDJzjPSFzf6ASyhZBUGkI5yu2\n';

const PATIENCE_MS = 20_000;
const POLL_MS = 50;

/** An image registry of a test's own, on loopback, that wants a user and a password. */
export interface TestRegistry {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** Has the engine push this image as `HOST/NAME`, and forget that name. Gives its digest in the registry. */
  push(image: string, name: string): Promise<string>;
  /** Ends it: nobody answers any more. */
  end(): Promise<void>;
}

/** Starts a registry; it and its files are gone after the test. */
export async function startRegistry(t: TestContext, docker: Docker): Promise<TestRegistry> {
  const folder = await tempFolder(t);
  const host = `127.0.0.1:${await freePort()}`;
  await mkdir(join(folder, 'data'));
  await writeFile(join(folder, 'htpasswd'), HTPASSWD);
  await writeFile(join(folder, 'config.yml'), configOf(folder, host));
  const child = spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: 'ignore' });
  const over = once(child, 'exit');
  const end = async () => {
    child.kill();
    await over;
  };
  t.after(end);
  const until = performance.now() + PATIENCE_MS;
  while (!(await isAnswering(host))) {
    if (child.exitCode !== null || performance.now() > until) throw new Error(`no registry answers at ${host}`);
    await delay(POLL_MS);
  }
  return { host, push: (image, name) => push(docker, image, { host, name }), end };
}

function configOf(folder: string, host: string): string {
  return JSON.stringify({
    version: '0.1',
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: join(folder, 'data') } },
    http: { addr: host },
    auth: { htpasswd: { realm: 'test', path: join(folder, 'htpasswd') } },
  });
}

async function isAnswering(host: string): Promise<boolean> {
  return fetch(`http://${host}/v2/`).then(
    ({ status }) => status === 401,
    () => false,
  );
}

async function push(docker: Docker, image: string, { host, name }: { readonly host: string; readonly name: string }) {
  const [repository = '', tag = 'latest'] = name.split(':');
  await answer(docker.getImage(image).tag({ repo: `${host}/${repository}`, tag }));
  const pushed = docker.getImage(`${host}/${repository}:${tag}`);
  try {
    const authconfig = { ...REGISTRY_USER, serveraddress: host };
    const stream = await answer(pushed.push({ authconfig }));
    const messages: { error?: string; aux?: { Digest?: string } }[] = await new Promise((resolve, reject) => {
      docker.modem.followProgress(stream, (error, all) => (error === null ? resolve(all) : reject(error)));
    });
    const digest = messages.find(({ aux }) => aux?.Digest !== undefined)?.aux?.Digest;
    if (digest === undefined) throw new Error(`"${name}" was not pushed: ${JSON.stringify(messages.at(-1))}`);
    return digest;
  } finally {
    await answer(pushed.remove());
  }
}
