import { existsSync } from 'node:fs';
import { chmod, constants, copyFile, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import { initCommand } from '../cli/init.ts';
import type { CommandIo } from '../cli/ports.ts';
import { MainspringError } from '../model/errors.ts';
import type { Settings } from '../model/settings.ts';
import { createStore } from '../roles/store.ts';
import { systemClock } from '../roles/system-clock.ts';
import { loadSettings } from '../settings/load.ts';
import { DemoRepo } from './demo-repo.ts';
import { findFreePort } from './free-port.ts';
import { isReachable } from './place.ts';

/** What a demo runs from. */
export interface Installation {
  readonly folder: string;
  /** The settings file. */
  readonly config: string;
  readonly settings: Settings;
  readonly repo: DemoRepo;
  /** What its processes see: without settings in variables, and with a `node` that apps can run. */
  readonly env: Readonly<Record<string, string>>;
}

const CONTENT = join(import.meta.dirname, 'repo');

/**
 * Makes a demo's folder ready: config repo, clone, settings and data folder as `init` makes them. What is there from last
 * time is used again; what an interrupted start left half done is made anew. `port` is the first one to try.
 */
export async function prepare(folder: string, port: number, io: CommandIo): Promise<Installation> {
  const config = join(folder, 'mainspring.toml');
  const env = {
    ...ownEnvironment(io.env),
    PATH: `${await binFolder(folder)}:${io.env.PATH ?? '/usr/local/bin:/usr/bin:/bin'}`,
  };
  const repo = new DemoRepo(folder, env);
  if (!existsSync(config)) await create(folder, repo, { ...io, env });
  const settings = await settle(config, port, env);
  if (settings.configRepo !== repo.bare || !existsSync(repo.bare)) throw moved(folder);
  await repo.makeUsable();
  return { folder, config, settings, repo, env };
}

async function create(folder: string, repo: DemoRepo, io: CommandIo): Promise<void> {
  for (const path of [repo.bare, repo.work, join(folder, 'data')]) await rm(path, { recursive: true, force: true });
  await repo.create(CONTENT);
  const options = { repo: repo.bare, dir: folder, domain: 'localhost', listen: '127.0.0.1:8080' };
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  await initCommand(options, {
    io: { ...io, stdout: silent },
    createStore: async (dataDir) => createStore(dataDir, systemClock),
  });
}

/** Has the settings say what a demo needs where `init` left the default, and a port that is free now. */
async function settle(config: string, first: number, env: Installation['env']): Promise<Settings> {
  const port = await findFreePort(first);
  const text = (await readFile(config, 'utf8'))
    .replace(/^process = "(?:off|prod)"$/m, 'process = "all"')
    .replace(/^# on_exit = "keep"$/m, 'on_exit = "stop"')
    .replace(/^listen = .*$/m, `listen = "127.0.0.1:${port}"`);
  await writeFile(`${config}.new`, text);
  await rename(`${config}.new`, config);
  return loadSettings(config, env);
}

/** The environment without settings: those of a demo are in its file. */
function ownEnvironment(env: CommandIo['env']): Record<string, string> {
  const entries = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(entries.filter(([name]) => !/^(MAINSPRING_(?!INTERNAL_)|LISTEN_)/.test(name)));
}

/** A folder whose `node` is the one that runs this, or a copy where the users that apps run as could not reach that. */
async function binFolder(folder: string): Promise<string> {
  const bin = join(folder, 'bin');
  const node = join(bin, 'node');
  await mkdir(bin, { recursive: true });
  await chmod(bin, 0o755);
  await rm(node, { force: true });
  if (await isReachable(dirname(process.execPath))) await symlink(process.execPath, node);
  else {
    await copyFile(process.execPath, node, constants.COPYFILE_FICLONE);
    await chmod(node, 0o755);
  }
  return bin;
}

function moved(folder: string): MainspringError {
  return new MainspringError(
    'settings-invalid',
    `demo: the folder "${folder}" was moved here or has lost its config repo`,
    {
      hint: 'Remove it (it holds nothing but the demo), and start again.',
    },
  );
}
