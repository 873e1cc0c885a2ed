import { chmodSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { freemem, release } from 'node:os';
import { memoryVariable } from '../../test/support/memory-folder.ts';

/** Bytes of a GiB. */
export const GIB = 2 ** 30;

const shared = '/dev/shm';
const neededBytes = 4 * GIB;

/** Whether this machine has memory to spare for what tests would keep on its disk. */
export function hasPlenty(): boolean {
  return freemem() >= 20 * GIB;
}

/**
 * Has the tests keep their files in memory where there is plenty of it, until this process ends: databases and git make the disk certain
 * of every write, which no test is about. Elsewhere, and where `TMPDIR` is set, they stay where they are.
 */
export function keepInMemory(env: NodeJS.ProcessEnv): void {
  if (env.TMPDIR !== undefined || !hasPlenty() || !isUsable()) return;
  // A short name: paths of sockets have little room.
  const folder = mkdtempSync(`${shared}/ms-`);
  // Apps run as users of their own, as in /tmp.
  chmodSync(folder, 0o1777);
  Object.assign(env, { TMPDIR: folder, [memoryVariable]: folder });
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
}

/** Whether it is memory, with room, from which programs may be run, and that keeps the attributes that layers of containers need. */
function isUsable(): boolean {
  if (process.platform !== 'linux' || !keepsUserAttributes()) return false;
  const mount = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .findLast((line) => line.split(' ')[1] === shared);
  const [, , type, options = ''] = mount?.split(' ') ?? [];
  if (type !== 'tmpfs' || options.split(',').some((option) => option === 'noexec' || option === 'ro')) return false;
  const { bavail, bsize } = statfsSync(shared);
  return bavail * bsize >= neededBytes;
}

/** `user.*` attributes on tmpfs came with Linux 6.6 (https://kernelnewbies.org/Linux_6.6). */
function keepsUserAttributes(): boolean {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  return major > 6 || (major === 6 && minor >= 6);
}
