import { realpath } from 'node:fs/promises';
import { isAbsolute, posix, relative } from 'node:path';
import type Docker from 'dockerode';
import { MainspringError } from '../../../model/errors.ts';
import type { InstallationId } from '../../../model/ids.ts';
import type { InstanceRequest } from '../../engine.ts';
import type { DockerConnection } from '../connection/connection.ts';
import { accepting } from '../connection/engine-error.ts';
import { volumesWith } from '../connection/listing.ts';
import { installationLabel, LABEL, volumeLabels } from '../labels.ts';
import { checkedDataName, volumeName, volumeOfPath } from '../names.ts';

/** Where `APP_DATA` is in every container. */
export const DATA_PATH = '/mainspring/data';

/** One thing that is mounted into a container. */
export type Mount =
  | { readonly kind: 'volume'; readonly name: string; readonly path: string; readonly readOnly: boolean }
  | { readonly kind: 'bind'; readonly source: string; readonly path: string; readonly readOnly: boolean }
  /** What was taken out of the app's own source: never to be written to. */
  | { readonly kind: 'file'; readonly source: string; readonly path: string; readonly readOnly: true };

/** What a container of this request mounts: its data, what the app declares, and what the image declares beside. Later ones never hide earlier ones. */
export function mountsOf(
  installation: InstallationId,
  request: Pick<InstanceRequest, 'dataName' | 'spec'>,
  imageVolumes: readonly string[],
  placeOf: (path: string) => string,
): readonly Mount[] {
  const named = (name: string) => volumeName(installation, request.dataName, name);
  const mounts: Mount[] = [{ kind: 'volume', name: named('data'), path: DATA_PATH, readOnly: false }];
  for (const text of request.spec.containerVols) {
    const { source, path, readOnly } = parseVolume(text);
    if (mounts.some((mount) => mount.path === path)) throw refused(text, `"${path}" is mounted already`);
    if (source.startsWith('/')) mounts.push({ kind: 'bind', source, path, readOnly });
    else if (source.startsWith('./'))
      mounts.push({ kind: 'file', source: placeOf(source.slice(2)), path, readOnly: true });
    else mounts.push({ kind: 'volume', name: named(`vol-${source}`), path, readOnly });
  }
  for (const declared of imageVolumes) {
    const path = posix.normalize(declared).replace(/(.)\/$/, '$1');
    if (mounts.some((mount) => mount.path === path)) continue;
    mounts.push({ kind: 'volume', name: named(volumeOfPath(path)), path, readOnly: false });
  }
  return mounts;
}

/** One entry of `container_vols`: `NAME:/path[:ro]`, `./path/of/source:/path[:ro]` or `/host/path:/path[:ro]`. */
export function parseVolume(text: string): {
  readonly source: string;
  readonly path: string;
  readonly readOnly: boolean;
} {
  const [source = '', path = '', mode, ...rest] = text.split(':');
  const isSource = /^(?:\/.*|[A-Za-z0-9][A-Za-z0-9_-]{0,39})$/.test(source) || isPathOfSource(source);
  const isRight = isSource && path.startsWith('/') && rest.length === 0;
  if (!isRight || (mode !== undefined && mode !== 'ro' && mode !== 'rw')) {
    throw refused(text, 'expected NAME:/path, NAME:/path:ro, ./path/of/source:/path or /host/path:/path[:ro]');
  }
  const plain = posix.normalize(path).replace(/(.)\/$/, '$1');
  if (plain === '/' || plain === DATA_PATH) throw refused(text, `nothing can be mounted at "${plain}"`);
  return { source, path: plain, readOnly: mode === 'ro' };
}

function isPathOfSource(source: string): boolean {
  return source.startsWith('./') && source.slice(2) === posix.normalize(source) && !source.split('/').includes('..');
}

/** Throws unless the folder of every bind leads, links followed, to a place that the settings allow. Gives the mounts with the places they lead to. */
export async function checkBinds(mounts: readonly Mount[], allowed: readonly string[]): Promise<readonly Mount[]> {
  return Promise.all(mounts.map((mount) => (mount.kind === 'bind' ? checkedBind(mount, allowed) : mount)));
}

async function checkedBind(mount: Extract<Mount, { kind: 'bind' }>, allowed: readonly string[]): Promise<Mount> {
  const text = `${mount.source}:${mount.path}`;
  const source = await realpath(mount.source).catch(() => {
    throw refused(text, `there is no "${mount.source}" on this machine`);
  });
  const roots = await Promise.all(allowed.map((root) => realpath(root).catch(() => root)));
  if (roots.some((root) => isBelow(source, root))) return { ...mount, source };
  throw new MainspringError('start-failed', `container_vols "${text}": "${source}" may not be mounted`, {
    hint: 'Name the folder, or one above it, in [docker] binds in mainspring.toml.',
    retry: 'needs-human',
  });
}

function isBelow(path: string, root: string): boolean {
  const way = relative(root, path);
  return way === '' || (!way.startsWith('..') && !isAbsolute(way));
}

function refused(text: string, fault: string): MainspringError {
  return new MainspringError('start-failed', `container_vols "${text}": ${fault}`, { retry: 'needs-human' });
}

/** Volumes of this installation: what apps store. */
export class Volumes {
  readonly #connection: DockerConnection;
  readonly #installation: InstallationId;

  constructor(connection: DockerConnection, installation: InstallationId) {
    this.#connection = connection;
    this.#installation = installation;
  }

  /** Makes those that are missing, so that they carry our labels whatever happens next. Twice is fine. */
  async ensure(
    { docker }: { readonly docker: Docker },
    mounts: readonly Mount[],
    request: InstanceRequest,
  ): Promise<void> {
    const Labels = volumeLabels(this.#installation, request);
    for (const mount of mounts) {
      if (mount.kind !== 'volume') continue;
      const asked: Promise<unknown> = docker.createVolume({ Name: mount.name, Labels });
      await asked;
    }
  }

  /** Removes everything that an app stored in one environment. Nothing there counts as removed. */
  async remove(dataName: string): Promise<void> {
    const label = `${LABEL.data}=${checkedDataName(dataName)}`;
    await this.#connection.ask(`removal of the volumes of "${dataName}"`, async ({ docker }) => {
      for (const { Name, Labels } of await volumesWith(docker, [installationLabel(this.#installation), label])) {
        // Asked again here: an engine that did not know a filter would have listed everything.
        if (Labels?.[LABEL.data] !== dataName || Labels[LABEL.installation] !== this.#installation) continue;
        await accepting(docker.getVolume(Name).remove(), [404]);
      }
    });
  }
}
