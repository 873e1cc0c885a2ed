import type Docker from 'dockerode';
import type { Clock } from '../../../model/clock.ts';
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

/**
 * What was used in this time may be what a build is at, ours or somebody else's: between its steps nothing is in use, and without its
 * context a build fails (`context not found`).
 */
const RECENT_MS = 60_000;
/** How often somebody else's question is waited for, and how long each time, in milliseconds. */
const ATTEMPTS = 40;
const PAUSE_MS = 250;

/** Asks the engine; this takes it a while. Docker answers one such question at a time and refuses others, so those wait for their turn, ten seconds at most. */
export async function diskUse(docker: Pick<Docker, 'df'>, clock: Pick<Clock, 'sleep'>): Promise<DiskUse> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const asked: Promise<unknown> = docker.df();
      return (await asked) as DiskUse;
    } catch (error) {
      if (attempt === ATTEMPTS || !isBusy(error)) throw error;
      await clock.sleep(PAUSE_MS);
    }
  }
}

/** Whether no build is at a record of the cache any more, as far as that can be told, so that it may go. */
export function isLeft(record: CacheRecord, nowMs: number): boolean {
  return !record.InUse && nowMs - lastUse(record) >= RECENT_MS;
}

/** When a record of the cache was used last, in milliseconds since the epoch. */
export function lastUse({ LastUsedAt, CreatedAt }: Pick<CacheRecord, 'LastUsedAt' | 'CreatedAt'>): number {
  return Date.parse(LastUsedAt ?? CreatedAt);
}

/** The engine has no code of its own for it: a 500, by these words (moby's `daemon/disk_usage.go`). */
function isBusy(error: unknown): boolean {
  return error instanceof Error && error.message.includes('disk usage operation is already running');
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
