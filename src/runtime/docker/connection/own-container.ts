import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type Docker from 'dockerode';
import { isNotThere } from './engine-error.ts';

/**
 * The id of the container that this process runs in, where it is one of this engine; null on a machine of its own, in a container of another engine too. What
 * a container's own files say of its id is asked of the engine, which has the last word.
 */
export async function ownContainer(docker: Docker): Promise<string | null> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  for (const id of candidateIds(mounts, hostname())) {
    try {
      const { Id, State } = await docker.getContainer(id).inspect();
      if (State.Running) return Id;
    } catch (error) {
      if (!isNotThere(error)) throw error;
    }
  }
  return null;
}

/**
 * What may be the id of the container around us: engines mount `hostname` and `resolv.conf` from a folder that is named by it, and name a container's host by
 * its beginning where nobody names it.
 */
export function candidateIds(mountinfo: string, host: string): readonly string[] {
  const mounted = /\/(?:overlay-)?containers\/([0-9a-f]{64})\/(?:userdata\/)?(?:hostname|resolv\.conf|hosts)\b/;
  const ids = mountinfo.split('\n').flatMap((line) => {
    const [, , , root = '', place = ''] = line.split(' ');
    return place.startsWith('/etc/') ? (mounted.exec(root)?.[1] ?? []) : [];
  });
  return [...new Set([...ids, ...(/^[0-9a-f]{12}$/.test(host) ? [host] : [])])];
}
