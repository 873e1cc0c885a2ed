import { createHash } from 'node:crypto';
import { MainspringError } from '../../model/errors.ts';
import type { AppId, ArtifactKey, EnvName, InstallationId, InstanceId } from '../../model/ids.ts';
import { checkedId } from '../record-files.ts';

// A registry host of its own, so that no engine looks anywhere else for it (Podman puts one in front of plain names).
const HOST = 'localhost';

/** The name of the container of an instance: one for each, so a second create finds the first. */
export function containerName(installation: InstallationId, id: InstanceId): string {
  return `mainspring-${installation}-${checkedId(id)}`;
}

/** The name of the network of an environment. */
export function networkName(installation: InstallationId, env: EnvName): string {
  return `mainspring-${installation}-${env}`;
}

/** The name of a volume of an app's data in one environment. */
export function volumeName(installation: InstallationId, dataName: string, name: string): string {
  return `mainspring-${installation}.${checkedDataName(dataName).replace('/', '.')}.${name}`;
}

/** The name of the volume for a path that an image declares by a `VOLUME` line. */
export function volumeOfPath(path: string): string {
  return `path-${createHash('sha256').update(path).digest('hex').slice(0, 12)}`;
}

/** Our own tag of an artifact's image. It being there means that the artifact is whole. */
export function artifactTag(installation: InstallationId, key: ArtifactKey): string {
  return `${artifactRepository(installation)}:${key}`;
}

/** The artifact that a tag is of, or undefined where it is none of this installation's. */
export function artifactOfTag(installation: InstallationId, tag: string): ArtifactKey | undefined {
  const prefix = `${artifactRepository(installation)}:`;
  const key = tag.startsWith(prefix) ? tag.slice(prefix.length) : '';
  return /^[0-9a-f]{64}$/.test(key) ? (key as ArtifactKey) : undefined;
}

/** Our own tag of a base image, by the image's id. */
export function baseTag(installation: InstallationId, imageId: string): string {
  return `${baseRepository(installation)}:${imageId.replace(/^sha256:/, '').slice(0, 24)}`;
}

/** Whether a tag is one of ours, of that kind. */
export function isOwnTag(installation: InstallationId, tag: string, kind: 'artifact' | 'base'): boolean {
  const repository = kind === 'base' ? baseRepository(installation) : artifactRepository(installation);
  return tag.startsWith(`${repository}:`);
}

/** Names by which the other apps of an environment reach an app: from its id, and one that no other app can have. */
export function aliasesOf(app: AppId, dataName: string): readonly string[] {
  const plain = app
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63);
  const own = (dataName.split('/')[1] ?? '').toLowerCase().replace(/[^a-z0-9-]+/g, '-');
  return [...new Set([plain === '' ? 'root' : plain, own])].filter((name) => name !== '');
}

/** Throws unless the text can be the name of a data folder. */
export function checkedDataName(dataName: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]*\/[A-Za-z0-9][A-Za-z0-9._-]*$/.test(dataName)) return dataName;
  throw new MainspringError('data-folder-failed', `data folder "${dataName}": expected a name such as "prod/app-12ab"`);
}

function artifactRepository(installation: InstallationId): string {
  return `${HOST}/mainspring-${installation}/artifact`;
}

function baseRepository(installation: InstallationId): string {
  return `${HOST}/mainspring-${installation}/base`;
}
