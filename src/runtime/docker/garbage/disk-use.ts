import type Docker from 'dockerode';
import type { InstallationId } from '../../../model/ids.ts';
import { LABEL } from '../labels.ts';
import { isOwnTag } from '../names.ts';

/** One record of BuildKit's cache. */
export interface CacheRecord {
  readonly ID: string;
  readonly InUse: boolean;
  readonly Shared: boolean;
  readonly Size: number;
  readonly CreatedAt: string;
  readonly LastUsedAt?: string | null;
}

/** What an engine says of its disk, as far as it is read. */
export interface DiskUse {
  readonly Images?: readonly {
    readonly Size: number;
    readonly SharedSize?: number;
    readonly RepoTags?: readonly string[] | null;
    readonly Labels?: Readonly<Record<string, string>> | null;
  }[];
  readonly Volumes?: readonly {
    readonly Labels?: Readonly<Record<string, string>> | null;
    readonly UsageData?: { readonly Size: number } | null;
  }[];
  readonly BuildCache?: readonly CacheRecord[] | null;
}

/** Asks the engine; this takes it a while. */
export async function diskUse(docker: Docker): Promise<DiskUse> {
  const asked: Promise<unknown> = docker.df();
  return (await asked) as DiskUse;
}

/** How many bytes images and volumes of an installation take. Layers that images share count once, with the base that brought them. */
export function ownBytes(use: DiskUse, installation: InstallationId): number {
  const isOwn = (labels: Readonly<Record<string, string>> | null | undefined) =>
    labels?.[LABEL.installation] === installation;
  const images = (use.Images ?? []).map(({ Size, SharedSize = 0, RepoTags, Labels }) => {
    const tags = RepoTags ?? [];
    if (tags.some((tag) => isOwnTag(installation, tag, 'base'))) return Size;
    const isOurs = isOwn(Labels) || tags.some((tag) => isOwnTag(installation, tag, 'artifact'));
    return isOurs ? Size - Math.max(0, SharedSize) : 0;
  });
  const volumes = (use.Volumes ?? []).map(({ Labels, UsageData }) =>
    isOwn(Labels) ? Math.max(0, UsageData?.Size ?? 0) : 0,
  );
  return [...images, ...volumes].reduce((sum, bytes) => sum + bytes, 0);
}
