import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync } from 'node:fs';
import { execa } from 'execa';

/** A user without rights over the machine. */
export interface RootlessUser {
  readonly uid: number;
  readonly gid: number;
  /** Ends its processes and removes it. */
  remove(): Promise<void>;
}

const tunnels = '/dev/net/tun';

/** As root: makes a user of a test's own, with user numbers below it for containers. */
export async function makeRootlessUser(): Promise<RootlessUser> {
  const name = `mainspring-${randomBytes(5).toString('hex')}`;
  await execa('useradd', ['--no-create-home', '--shell', '/usr/sbin/nologin', name]);
  const remove = async () => {
    await execa('pkill', ['--signal', 'KILL', '--uid', name], { reject: false });
    await execa('userdel', [name]);
  };
  // As a service manager sets it; where none runs, it is root's alone, and no user has a network for containers.
  if (existsSync(tunnels)) chmodSync(tunnels, 0o666);
  const [uid = '', gid = ''] = await Promise.all(
    ['-u', '-g'].map(async (of) => (await execa('id', [of, name])).stdout),
  );
  return { uid: Number(uid), gid: Number(gid), remove };
}

/** How a command is run as a user; null: as whom we are. */
export function commandAs(user: RootlessUser | null): string[] {
  if (user === null) return ['setpriv'];
  return ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'];
}
