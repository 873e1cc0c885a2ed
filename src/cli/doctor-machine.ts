import { execFile } from 'node:child_process';
import { access, constants, readFile, stat, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { problemOf } from '../model/errors.ts';
import type { ListenAddress } from '../model/settings.ts';
import { type Finding, failure, fine, type Look, type MachineLook, warning } from './doctor-finding.ts';

const run = promisify(execFile);
const GIT_MINIMUM = [2, 31] as const;
const MIB = 1024 ** 2;
// No Mainspring was ever run before this day, so an earlier clock is wrong.
const FIRST_DAY = Date.UTC(2026, 0, 1);

/** Node, by the rule of package.json. */
export const lookAtNode: MachineLook = async () => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isFine = major >= 24 || (major === 22 && minor >= 22);
  if (isFine) return [fine('node', `Node ${process.versions.node}`)];
  return [failure('node', `Node ${process.versions.node} is not supported`, 'Use Node 24, or 22.22 or later.')];
};

/** The system's git: configuration by environment variables came with 2.31. */
export const lookAtGit: MachineLook = async ({ signal }) => {
  const hint = `Install git ${GIT_MINIMUM.join('.')} or later.`;
  try {
    const { stdout } = await run('git', ['--version'], { signal, timeout: 5_000 });
    const version = /(\d+)\.(\d+)[.\d]*/.exec(stdout);
    const [major, minor] = [Number(version?.[1]), Number(version?.[2])];
    const isFine = major > GIT_MINIMUM[0] || (major === GIT_MINIMUM[0] && minor >= GIT_MINIMUM[1]);
    return [isFine ? fine('git', stdout.trim()) : failure('git', `${stdout.trim()} is too old`, hint)];
  } catch {
    return [failure('git', 'git is not to be found on PATH', hint)];
  }
};

/** The clock: not before any Mainspring, and not before what is in the data folder. */
export const lookAtClock: Look = async ({ settings, now }) => {
  const hint = "Set the machine's clock, and keep it with NTP.";
  if (now < FIRST_DAY) return [failure('clock', `the clock says ${new Date(now).toISOString()}`, hint)];
  const database = await stat(join(settings.dataDir, 'mainspring.db')).catch(() => null);
  if (database !== null && database.mtimeMs > now + 60_000) {
    return [warning('clock', `the database is from the future (${database.mtime.toISOString()})`, hint)];
  }
  return [fine('clock', new Date(now).toISOString())];
};

/** Space below the data folder. */
export const lookAtDisk: Look = async ({ settings }) => {
  const folder = await nearestFolder(settings.dataDir);
  const disk = await statfs(folder);
  const free = disk.bavail * disk.bsize;
  const text = `${Math.floor(free / MIB)} MiB free for ${settings.dataDir}`;
  if (free < 100 * MIB)
    return [failure('disk', text, 'Make room: without it nothing new can be recorded or deployed.')];
  if (disk.files > 0 && disk.ffree < 10_000) {
    return [warning('disk', `${disk.ffree} inodes free for ${settings.dataDir}`, 'Make room for files.')];
  }
  return [free < 1024 * MIB ? warning('disk', text, 'Builds and images need room.') : fine('disk', text)];
};

async function nearestFolder(folder: string): Promise<string> {
  const found = await stat(folder).catch(() => null);
  return found === null ? await nearestFolder(dirname(folder)) : folder;
}

/** Each address to listen on: free, or held by a Mainspring. */
export const lookAtPorts: Look = async ({ settings, signal }) =>
  await Promise.all(settings.listen.map((address) => lookAtPort(address, signal)));

async function lookAtPort(address: ListenAddress, signal: AbortSignal): Promise<Finding> {
  const shown = address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
  const name = `listen ${shown}`;
  if (address.port === 0) return fine(name, 'the system chooses a port');
  const code = await bindFault(address);
  if (code === null) return fine(name, 'free');
  if (code === 'EADDRINUSE') {
    if (await isMainspring(address, signal)) return fine(name, 'a Mainspring answers there');
    return failure(name, 'another program listens there', 'Stop it, or choose another address with "listen".');
  }
  if (code === 'EACCES') {
    const hint = 'Ports below 1024 need root, CAP_NET_BIND_SERVICE, or systemd to open them (LISTEN_FDS).';
    return failure(name, 'this user may not listen there', hint);
  }
  const hint = code === 'EADDRNOTAVAIL' ? 'No network interface of this machine has that address.' : null;
  return failure(name, `can't listen there: ${code}`, hint);
}

async function bindFault({ host, port }: ListenAddress): Promise<string | null> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen({ host, port, exclusive: true }, resolve);
    });
    return null;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  } finally {
    server.close();
  }
}

async function isMainspring({ host, port }: ListenAddress, signal: AbortSignal): Promise<boolean> {
  const reached = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host;
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(3_000)]);
    const response = await fetch(`http://${reached}:${port}/_mainspring/healthz`, {
      signal: limit,
      redirect: 'manual',
    });
    return response.status === 200;
  } catch {
    return false;
  }
}

/** What the process engine has here: whether it is allowed, as whom apps run, and who keeps their memory in bounds. */
export const lookAtProcessEngine: Look = async ({ settings }) => {
  const name = 'process engine';
  const { process: allowed } = settings.engines;
  if (allowed === 'off') return [fine(name, 'off: apps with a Procfile are refused ([engines] process)')];
  const where = allowed === 'all' ? 'all environments' : 'prod';
  const isRoot = process.getuid?.() === 0;
  const limits = (await hasCgroup()) ? 'limits by cgroup' : 'no cgroup may be made here, so memory is watched instead';
  const text = `on for ${where}; ${limits}`;
  if (isRoot) return [fine(name, `${text}; apps run as users of their own`)];
  const hint = 'Start Mainspring as root to have apps run as other users, or allow only code you would run yourself.';
  return [warning(name, `${text}; apps run as the user of Mainspring and can do what it can`, hint)];
};

async function hasCgroup(): Promise<boolean> {
  const root = '/sys/fs/cgroup';
  const controllers = await readFile(join(root, 'cgroup.controllers'), 'utf8').catch(() => null);
  const folder = controllers === null ? join(root, 'memory') : root;
  if (controllers !== null && !controllers.split(/\s+/).includes('memory')) return false;
  return await access(folder, constants.W_OK).then(
    () => true,
    () => false,
  );
}

/** Where containers run. One that is there but does not answer need not be wanted, so it is a warning. */
export const lookAtContainerEngine: Look = async ({ settings, lookAtContainers }) => {
  try {
    return (await lookAtContainers(settings)).map((remark) => ({ name: 'containers', ...remark }));
  } catch (error) {
    const { message, hint } = problemOf(error);
    return [warning('containers', message, hint)];
  }
};
