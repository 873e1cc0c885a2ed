import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import type Docker from 'dockerode';
import { answer } from '../answer.ts';
import { grantableLimits } from '../limits.ts';
import { archive, below } from './archive.ts';
import type { Contents } from './recipe.ts';
import { stage } from './stage.ts';

/** Marks what is not the official image that it is named after. */
export const standInLabel = 'mainspring.stand-in';

/** The container that is there while the image of these names is made: its name is the lock. */
export function makerName(names: readonly string[]): string {
  return `mainspring-stand-in-${names[0]?.replaceAll(/[^a-z0-9.]+/g, '-')}`;
}

/** Makes the image of these contents in the engine under each name; false if somebody else is just doing that. */
export async function makeImage(docker: Docker, names: readonly string[], contents: Contents): Promise<boolean> {
  const staged = mkdtempSync(join(tmpdir(), 'mainspring-base-image-'));
  try {
    stage(staged, contents);
    const parts = [...contents.parts, { from: staged, files: below(staged, '.'), to: '/' }];
    return await locked(docker, makerName(names), () => makeFrom(docker, names, { ...contents, parts }));
  } finally {
    rmSync(staged, { recursive: true, force: true });
  }
}

async function makeFrom(docker: Docker, names: readonly string[], contents: Contents): Promise<void> {
  const { stream, done } = archive(contents.parts);
  const [imported] = await Promise.all([importArchive(docker, stream, settings(contents)), done]);
  const image = docker.getImage(contents.setUp === undefined ? imported : await setUp(docker, imported, contents));
  for (const name of names) {
    // By its full name: Podman would take a short one for a name of its own.
    await answer(image.tag(toRepoAndTag(`docker.io/library/${name}`)));
  }
}

/** Runs `work` while a container of this name is there; false, and nothing run, if there was one already. */
async function locked(docker: Docker, name: string, work: () => Promise<void>): Promise<boolean> {
  const nothing = new PassThrough();
  nothing.end(Buffer.alloc(1024));
  const image = await importArchive(docker, nothing, [`LABEL ${standInLabel}=lock-${process.pid}`]);
  try {
    const lock = await createLock(docker, name, image);
    if (lock === undefined) return false;
    try {
      await work();
      return true;
    } finally {
      await lock.remove({ force: true });
    }
  } finally {
    await answer(docker.getImage(image).remove({ force: true }));
  }
}

async function createLock(docker: Docker, name: string, image: string): Promise<Docker.Container | undefined> {
  try {
    return await docker.createContainer({ name, Image: image, Cmd: ['none'] });
  } catch (error) {
    // Docker says that the name is taken with 409, Podman with 500.
    if (/\bin use\b/.test((error as Error).message)) return undefined;
    throw error;
  }
}

/** Imports an archive with these settings and returns the image's id: Podman does not take a name for it. */
async function importArchive(docker: Docker, stream: PassThrough, changes: readonly string[]): Promise<string> {
  const said = await text(await answer(docker.importImage(stream, { changes: changes.join('\n') })));
  const id = /"status":"((?:sha256:)?[0-9a-f]{64})/.exec(said)?.[1];
  if (id === undefined) throw new Error(`importing a base image failed: ${said}`);
  return id;
}

/** Runs the set-up in a container of the image, and returns the id of what it has become. */
async function setUp(docker: Docker, image: string, contents: Contents): Promise<string> {
  const HostConfig = { Ulimits: grantableLimits() };
  const container = await docker.createContainer({ Image: image, Cmd: [...(contents.setUp ?? [])], HostConfig });
  try {
    await container.start();
    const { StatusCode: code } = await container.wait();
    const said = (await container.logs({ stdout: true, stderr: true, tail: 20 })).toString('utf8');
    if (code !== 0) throw new Error(`setting up a base image ended with ${code}: ${said}`);
    return (await answer(container.commit({ changes: settings(contents).join('\n') }))).Id;
  } finally {
    await container.remove({ force: true, v: true });
  }
}

function settings({ command, env }: Contents): string[] {
  const variables = Object.entries(env).map(([name, value]) => `ENV ${name}=${JSON.stringify(value)}`);
  return [`CMD ${JSON.stringify(command)}`, ...variables, `LABEL ${standInLabel}=yes`];
}

function toRepoAndTag(name: string): { repo: string; tag: string } {
  const [repo = '', tag = ''] = name.split(':');
  return { repo, tag };
}
