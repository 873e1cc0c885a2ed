import { existsSync } from 'node:fs';
import { chmod, link, mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { MainspringError } from '../model/errors.ts';
import type { Settings } from '../model/settings.ts';
import { loadSettings, readSettings } from '../settings/load.ts';
import { parseSettings } from '../settings/parse.ts';
import { settingsErrorLine } from '../settings/settings-error.ts';
import { settingsTemplate, type TemplateValues } from '../settings/template.ts';
import { EXIT } from './exit-code.ts';
import type { CommandIo } from './ports.ts';
import { painter, write } from './terminal.ts';

/** What `init` is told. */
export interface InitOptions {
  readonly repo: string;
  readonly dir: string;
  readonly domain: string;
  readonly listen: string;
}

/** What `init` needs of the rest. */
export interface InitDeps {
  readonly io: CommandIo;
  /** Makes the database in a folder that has none. */
  readonly createStore: (dataDir: string) => Promise<void>;
}

const FILE = 'mainspring.toml';
const DATABASE = 'mainspring.db';

/**
 * Writes the settings and the data folder. The settings come last and in one piece, so what a crash leaves can be run again.
 * What is there is kept: a database, or settings for the same repo whose data folder is missing (a new machine). Throws
 * `already-initialised` when nothing is left to do.
 */
export async function initCommand(options: InitOptions, { io, createStore }: InitDeps): Promise<number> {
  const folder = resolve(io.cwd, options.dir);
  const file = join(folder, FILE);
  const values = existsSync(file) ? null : await templateValues(options, io.cwd);
  const dataDir = values === null ? await missingDataDir(file, options, io) : join(folder, 'data');
  const text = values === null ? null : settingsTemplate(values);
  if (text !== null) requireRight(text, file);

  await mkdir(dataDir, { recursive: true });
  // Apps that run as other users pass through it to their own folders; what is inside says who may read it.
  await chmod(dataDir, 0o711);
  const hadDatabase = existsSync(join(dataDir, DATABASE));
  if (!hadDatabase) await createStore(dataDir);
  if (text !== null) await writeNew(file, text);
  const { configRepo, branch } = values ?? (await loadSettings(file, io.env));
  await write(
    io.stdout,
    nextSteps({ configRepo, branch, file, dataDir, hadSettings: values === null, hadDatabase }, io),
  );
  return EXIT.fine;
}

/** The data folder of settings that are there, if it still lacks a database and they are for the same repo. */
async function missingDataDir(file: string, options: InitOptions, io: CommandIo): Promise<string> {
  const found = await readSettings(file, io.env);
  if (!found.ok || existsSync(join(found.settings.dataDir, DATABASE))) throw alreadyThere(file);
  const { configRepo } = requireRight(settingsTemplate(await templateValues(options, io.cwd)), file);
  if (configRepo !== found.settings.configRepo) throw alreadyThere(file);
  return found.settings.dataDir;
}

async function templateValues({ repo, domain, listen }: InitOptions, cwd: string): Promise<TemplateValues> {
  const isRemote = repo.includes('://') || /^[^/]+@[^/]+:/.test(repo);
  const path = repo.startsWith('file://') ? repo.slice('file://'.length) : resolve(cwd, repo);
  const looksLikePath = /^\.{0,2}(\/|$)/.test(repo) || repo.startsWith('file://');
  const isFolder = (!isRemote || looksLikePath) && (await isDirectory(path));
  if (isFolder) return { configRepo: path, branch: await headBranch(path), domain, listen };
  if (looksLikePath) throw new MainspringError('usage', `init: there is no folder "${path}"`);
  return { configRepo: repo, branch: 'main', domain, listen };
}

async function isDirectory(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return found?.isDirectory() === true;
}

/** The branch that HEAD of a repo on this machine points to. */
async function headBranch(path: string): Promise<string> {
  for (const folder of [join(path, '.git'), path]) {
    const head = await readFile(join(folder, 'HEAD'), 'utf8').catch(() => null);
    if (head === null) continue;
    return /^ref: refs\/heads\/(.+)$/m.exec(head)?.[1] ?? 'main';
  }
  throw new MainspringError('usage', `init: "${path}" is no git repo`, {
    hint: 'Name the folder that holds ".git", or a bare repo.',
  });
}

/** What a new file would say; throws `usage` with what is wrong with it. */
function requireRight(text: string, file: string): Settings {
  const result = parseSettings(text, { file, env: {} });
  if (result.ok) return result.settings;
  const lines = result.errors.map((error) => `  ${settingsErrorLine({ ...error, file: null })}`);
  throw new MainspringError('usage', `init: that would not make good settings:\n${lines.join('\n')}`);
}

/** Writes a file that is there whole or not at all, and never over another: a link fails where a rename would replace. */
async function writeNew(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    const handle = await open(temporary, 'wx', 0o644);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await link(temporary, file);
    await syncFolder(join(file, '..'));
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST' && existsSync(file);
    throw isThere ? alreadyThere(file) : error;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function alreadyThere(file: string): MainspringError {
  return new MainspringError('already-initialised', `init: "${file}" is there already`, {
    hint: 'Nothing was changed. Edit it, or choose another folder with --dir.',
  });
}

interface Done {
  readonly configRepo: string;
  readonly branch: string;
  readonly file: string;
  readonly dataDir: string;
  readonly hadSettings: boolean;
  readonly hadDatabase: boolean;
}

function nextSteps(done: Done, io: CommandIo): string {
  const paint = painter(io.colour);
  const shown = relative(io.cwd, done.file);
  const config = shown === FILE ? '' : ` --config ${shown.startsWith('..') ? done.file : shown}`;
  const label = (wasThere: boolean) => (wasThere ? paint('dim', 'kept   ') : paint('green', 'written'));
  return `${label(done.hadSettings)}  ${done.file}
${label(done.hadDatabase)}  ${join(done.dataDir, DATABASE)}

Mainspring follows the branch "${done.branch}" of ${done.configRepo}.
Next:
  mainspring doctor${config}    says what is missing on this machine
  mainspring serve${config}     runs what that branch declares
  mainspring status${config}    shows what runs
`;
}
