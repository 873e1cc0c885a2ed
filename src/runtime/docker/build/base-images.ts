import type { ImageInspectInfo } from 'dockerode';
import type { InstallationId } from '../../../model/ids.ts';
import type { ArtifactBase } from '../../../model/revision.ts';
import type { Client } from '../connection/connection.ts';
import { imageId, inspected } from '../images.ts';
import { baseTag } from '../names.ts';
import { findOrPull } from '../registry/pull.ts';
import { fullRepository, parseReference } from '../registry/reference.ts';
import type { RegistryAuth } from '../registry/registry-auth.ts';

/** What a reference to an image resolved to: its id in the engine, and its digest in the registry that it is of. */
export type BaseImage = ArtifactBase;

/** What resolving needs. */
export interface ResolveOptions {
  readonly installation: InstallationId;
  readonly auth: RegistryAuth;
  /** Keeps a tag for as long as the build goes on, and puts it on. */
  readonly hold: (tag: string, put: () => Promise<void>) => Promise<void>;
  readonly say: (line: string) => Promise<void>;
  readonly signal: AbortSignal;
  /** Ask the registry first for what a reference means now. */
  readonly newest: boolean;
}

/**
 * Finds the image of a reference and puts a tag of our own on it, so that nobody else's cleaning takes it. What was recorded for an
 * artifact before comes first: where that image is still to be had, it is the one.
 */
export async function resolveBase(
  client: Client,
  ref: string,
  recorded: readonly BaseImage[],
  options: ResolveOptions,
): Promise<BaseImage> {
  const before = recorded.find((base) => base.ref === ref);
  const again = before === undefined ? undefined : await findRecorded(client, before, options);
  const { image, newName } = again ?? (await findOrPull(client, ref, options));
  const id = imageId(image);
  const tag = baseTag(options.installation, id);
  await options.hold(tag, () => tagImage(client, id, tag));
  // What we brought is kept under our name alone: the next artifact that names it gets what the registry has then.
  if (newName !== null) await untag(client, newName);
  return { ref, id, digest: digestOf(image, ref) ?? (before?.id === id ? before.digest : null) };
}

/** Puts a tag on an image. */
export async function tagImage({ docker }: Client, id: string, name: string): Promise<void> {
  const colon = name.lastIndexOf(':');
  const asked: Promise<unknown> = docker.getImage(id).tag({ repo: name.slice(0, colon), tag: name.slice(colon + 1) });
  await asked;
}

/** The digest by which the registry of a reference knows an image. */
export function digestOf(image: Pick<ImageInspectInfo, 'RepoDigests'>, ref: string): string | null {
  const reference = parseReference(ref);
  if (reference === undefined) return null;
  const wanted = fullRepository(reference);
  for (const text of image.RepoDigests ?? []) {
    const [repository = '', digest] = text.split('@');
    const known = parseReference(repository);
    if (digest !== undefined && known !== undefined && fullRepository(known) === wanted) return digest;
  }
  return null;
}

async function findRecorded(client: Client, base: BaseImage, options: ResolveOptions) {
  const there = await inspected(client.docker.getImage(base.id).inspect());
  if (there !== undefined) return { image: there, newName: null };
  const reference = parseReference(base.ref);
  if (base.digest === null || reference === undefined) return undefined;
  const pinned = `${reference.repository}@${base.digest}`;
  return findOrPull(client, pinned, options).catch(async (error: unknown) => {
    if (options.signal.aborted) throw error;
    await options.say(`"${pinned}", which this was built from before, is not to be had any more`);
    return undefined;
  });
}

/** Takes the registry's name off an image that has ours by now. One that stays is no harm. */
async function untag({ docker, about }: Client, name: string): Promise<void> {
  // Podman takes a digest for the image itself, and would remove that.
  if (about.kind === 'podman' && name.includes('@')) return;
  await docker
    .getImage(name)
    .remove({ noprune: true } as object)
    .catch(() => undefined);
}
