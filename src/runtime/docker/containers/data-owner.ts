import { Readable } from 'node:stream';
import { text as readText } from 'node:stream/consumers';
import type { Container } from 'dockerode';
import { extract, pack } from 'tar-stream';
import { isNotThere } from '../connection/engine-error.ts';
import { DATA_PATH } from './volumes.ts';

/** What `/etc/passwd` and `/etc/group` may take, each. */
const MOST_BYTES = 1024 ** 2;

/**
 * Makes the data folder of a container, which does not run yet, one that its user may write: a new volume belongs to root. The user is
 * as images name it: `app`, `1000`, `app:staff`. What lies in the folder keeps its owner.
 */
export async function giveDataToUser(container: Container, user: string): Promise<void> {
  if (['', 'root', '0', 'root:root', '0:0'].includes(user)) return;
  const ids = await idsOf(container, user);
  if (ids === undefined) return;
  const archive = pack();
  archive.entry({ name: `${DATA_PATH.slice(1)}/`, type: 'directory', mode: 0o755, ...ids });
  archive.finalize();
  await container.putArchive(Readable.from(archive), { path: '/' });
}

async function idsOf(container: Container, user: string): Promise<{ uid: number; gid: number } | undefined> {
  const [name = '', group] = user.split(':');
  const isNumber = (text: string) => /^\d+$/.test(text);
  const passwd =
    isNumber(name) && (group === undefined || isNumber(group)) ? '' : await readIn(container, '/etc/passwd');
  const line = passwd.split('\n').find((entry) => entry.split(':')[isNumber(name) ? 2 : 0] === name);
  const uid = isNumber(name) ? Number(name) : Number(line?.split(':')[2] ?? Number.NaN);
  const gid = group === undefined ? Number(line?.split(':')[3] ?? 0) : await groupId(container, group);
  return Number.isInteger(uid) && Number.isInteger(gid) ? { uid, gid } : undefined;
}

async function groupId(container: Container, group: string): Promise<number> {
  if (/^\d+$/.test(group)) return Number(group);
  const lines = (await readIn(container, '/etc/group')).split('\n');
  return Number(lines.find((entry) => entry.split(':')[0] === group)?.split(':')[2] ?? Number.NaN);
}

/** The text of a file in a container; empty where there is none, or no file. */
async function readIn(container: Container, path: string): Promise<string> {
  const stream = await container.getArchive({ path }).catch((error: unknown) => {
    if (isNotThere(error)) return undefined;
    throw error;
  });
  if (stream === undefined) return '';
  // Only the first entry counts: an image could have a folder of that name, of any size.
  for await (const entry of stream.pipe(extract())) {
    return entry.header.type === 'file' && (entry.header.size ?? 0) <= MOST_BYTES ? await readText(entry) : '';
  }
  return '';
}
