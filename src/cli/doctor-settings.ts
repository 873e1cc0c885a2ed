import { access, constants, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { problemOf } from '../model/errors.ts';
import type { Settings } from '../model/settings.ts';
import { type Finding, failure, fine, type Look, warning } from './doctor-finding.ts';
import { shortId } from './terminal.ts';

const REPO_LIMIT_MS = 15_000;

/** Settings that were accepted although nothing uses them yet. */
export const lookAtSettings: Look = async ({ settings }) => [
  fine('settings', `apps at ${settings.publicUrl}, status at ${settings.status.host}`),
  ...settings.notInEffect.map((name) =>
    warning('settings', `${name} has no effect in this version`, 'Take it out, or leave it for a later version.'),
  ),
  ...openStatus(settings),
];

function openStatus({ status, gateway }: Settings): Finding[] {
  if (status.tokenFile !== null || gateway.trustedProxies.length === 0) return [];
  const hint = 'Set [status] token_file. Behind a proxy everybody seems to come from its address.';
  return [warning('status host', 'nobody can read it: trusted_proxies is set and there is no token', hint)];
}

/** The config repo: listed now, within a time limit. */
export const lookAtConfigRepo: Look = async ({ settings, signal, listConfigRepo }) => {
  const name = 'config repo';
  const limit = AbortSignal.timeout(REPO_LIMIT_MS);
  try {
    const commit = await listConfigRepo(settings, AbortSignal.any([signal, limit]));
    return [fine(name, `${settings.branch} is at ${shortId(commit)}`)];
  } catch (error) {
    if (limit.aborted) return [failure(name, 'no answer in time', 'Is the network there, and the URL right?')];
    const { message, hint } = problemOf(error);
    return [failure(name, message, hint)];
  }
};

/** Folders below which local repos may lie. */
export const lookAtLocalRoots: Look = async ({ settings }) =>
  await Promise.all(
    settings.git.localRoots.map(async (root) => {
      const found = await stat(root).catch(() => null);
      if (found?.isDirectory()) return fine(`local root ${root}`, 'there');
      return failure(`local root ${root}`, 'is no folder', 'Make it, or take it out of [git] local_roots.');
    }),
  );

/** The data folder: there, ours, closed to writing by others, open to passing through. */
export const lookAtDataFolder: Look = async ({ settings }) => {
  const name = 'data folder';
  const { dataDir } = settings;
  const found = await stat(dataDir).catch(() => null);
  if (found === null)
    return [failure(name, `"${dataDir}" is not there`, 'Run "mainspring init REPO" again: it keeps the settings.')];
  if (!found.isDirectory()) return [failure(name, `"${dataDir}" is no folder`, null)];
  const mayWrite = await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!mayWrite) return [failure(name, `this user may not write to "${dataDir}"`, 'Run as the user who owns it.')];
  return [...dataFolderModes(settings, found.mode), await databaseFinding(dataDir)];
};

function dataFolderModes({ dataDir, engines }: Settings, mode: number): Finding[] {
  const name = 'data folder';
  if ((mode & 0o022) !== 0) {
    return [failure(name, `others may write to "${dataDir}"`, `chmod 711 ${dataDir}`)];
  }
  if (engines.process !== 'off' && process.getuid?.() === 0 && (mode & 0o001) === 0) {
    const hint = `chmod 711 ${dataDir}`;
    return [failure(name, `apps that run as other users can't pass through "${dataDir}"`, hint)];
  }
  return [fine(name, dataDir)];
}

async function databaseFinding(dataDir: string): Promise<Finding> {
  const found = await stat(join(dataDir, 'mainspring.db')).catch(() => null);
  if (found === null)
    return failure('database', 'there is none', 'Run "mainspring init REPO" again: it keeps the settings.');
  if ((found.mode & 0o007) === 0) return fine('database', `${Math.ceil(found.size / 1024)} KiB`);
  return warning('database', 'everybody on this machine may read it', `chmod 600 ${join(dataDir, 'mainspring.db')}`);
}

/** Every file with a secret: readable, not empty, and not for everybody. */
export const lookAtSecrets: Look = async ({ settings }) => await Promise.all(secretFiles(settings).map(lookAtSecret));

interface SecretFile {
  readonly name: string;
  readonly file: string;
  /** ssh refuses keys that anybody else may read. */
  readonly isKey: boolean;
}

function secretFiles({ gitAuth, hooks, status }: Settings): SecretFile[] {
  const credentials = Object.entries(gitAuth).flatMap(([name, { tokenFile, sshKeyFile }]) => [
    ...(tokenFile === null ? [] : [{ name: `git_auth.${name}.token_file`, file: tokenFile, isKey: false }]),
    ...(sshKeyFile === null ? [] : [{ name: `git_auth.${name}.ssh_key_file`, file: sshKeyFile, isKey: true }]),
  ]);
  const secrets = Object.entries(hooks).map(([name, { secretFile }]) => ({
    name: `hooks.${name}.secret_file`,
    file: secretFile,
    isKey: false,
  }));
  const token = status.tokenFile === null ? [] : [{ name: 'status.token_file', file: status.tokenFile, isKey: false }];
  return [...credentials, ...secrets, ...token];
}

async function lookAtSecret({ name, file, isKey }: SecretFile): Promise<Finding> {
  const found = await stat(file).catch(() => null);
  if (found === null) return failure(name, `"${file}" is not there`, 'Make it, or name another file.');
  const content = await readFile(file, 'utf8').catch(() => null);
  if (content === null)
    return failure(name, `"${file}" can't be read by this user`, 'Run as its owner, or change that.');
  if (content.trim() === '') return failure(name, `"${file}" is empty`, null);
  const hint = `chmod 600 ${file}`;
  if (isKey && (found.mode & 0o077) !== 0) return failure(name, `others may read "${file}", so ssh won't use it`, hint);
  if ((found.mode & 0o007) !== 0) return warning(name, `everybody on this machine may read "${file}"`, hint);
  return fine(name, file);
}
