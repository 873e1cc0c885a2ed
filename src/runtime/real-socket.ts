import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Where the path of a Unix socket really leads, links followed; as far as its folder goes while the socket isn't there. */
export async function realSocket(path: string): Promise<string> {
  const folder = () => realpath(dirname(path)).catch(() => dirname(path));
  return realpath(path).catch(async () => join(await folder(), basename(path)));
}
