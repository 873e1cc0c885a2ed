import type { Clock } from '../../../model/clock.ts';
import type { InstallationId } from '../../../model/ids.ts';
import type { ArtifactRecords } from '../build/artifact-records.ts';
import type { BaseHolds } from '../build/base-holds.ts';
import type { Client, DockerConnection } from '../connection/connection.ts';
import { accepting } from '../connection/engine-error.ts';
import { allImages, containersWith, danglingImagesWith } from '../connection/listing.ts';
import type { Images } from '../images.ts';
import { installationLabel, LABEL } from '../labels.ts';
import { baseTag, isOwnTag } from '../names.ts';
import type { Networks } from '../networks/networks.ts';
import type { BuildWindows } from './build-windows.ts';
import { type CacheRecord, diskUse, isLeft, lastUse, ownBytes } from './disk-use.ts';

/** What cleaning up needs. */
export interface GarbageOptions {
  readonly connection: DockerConnection;
  readonly installation: InstallationId;
  readonly clock: Clock;
  readonly images: Images;
  readonly networks: Networks;
  readonly records: ArtifactRecords;
  readonly windows: BuildWindows;
  readonly holds: BaseHolds;
  readonly maxDiskBytes: number | null;
  /** Whether a build runs: then what it makes is not yet anybody's. */
  readonly isBuilding: () => boolean;
}

/** What is kept of caches although nothing refers to it: it makes the next build quick. */
const CACHE_AGE_MS = 7 * 86_400_000;
/** How many records of a cache are removed at a time, each by a call of its own. */
const MOST_RECORDS = 50;

/**
 * Removes what this installation left in the engine and nothing needs: containers of build steps, networks without containers, base
 * images of artifacts that are gone, layers without a name and build cache, the last two by age or for the disk limit. Artifacts
 * and data are never touched here: what of them is kept is decided by what refers to them. Nothing of anybody else is.
 */
export class Garbage {
  readonly #options: GarbageOptions;
  #takenBytes = 0;

  constructor(options: GarbageOptions) {
    this.#options = options;
  }

  /** How many bytes over the limit this installation was after the last sweep; 0 without a limit. */
  get overBytes(): number {
    const { maxDiskBytes } = this.#options;
    return maxDiskBytes === null ? 0 : Math.max(0, this.#takenBytes - maxDiskBytes);
  }

  /** How many bytes this installation may take besides what it took after the last sweep; null without a limit. */
  get leftBytes(): number | null {
    const { maxDiskBytes } = this.#options;
    return maxDiskBytes === null ? null : Math.max(0, maxDiskBytes - this.#takenBytes);
  }

  /** One sweep. Each part is for itself: one that fails keeps no other from its work, and the first error is thrown at the end. */
  async sweep(): Promise<void> {
    const { connection, networks, maxDiskBytes } = this.#options;
    const client = await connection.client();
    const parts = [
      () => this.#leftContainers(client),
      () => networks.tidy(client),
      () => this.#unusedBases(client),
      () => this.#unnamedImages(client, CACHE_AGE_MS),
      () => this.#oldCache(client),
      ...(maxDiskBytes === null ? [] : [() => this.#keepLimit(client, maxDiskBytes)]),
    ];
    const errors: unknown[] = [];
    for (const part of parts) await part().catch((error: unknown) => errors.push(error));
    if (errors.length > 0) throw connection.failure('cleaning up', errors[0]);
  }

  /** Containers that carry our label and are no instance: steps of a build that the engine could not end. */
  async #leftContainers({ docker }: Client): Promise<void> {
    const { installation, isBuilding } = this.#options;
    if (isBuilding()) return;
    for (const { Id, Labels } of await containersWith(docker, [installationLabel(installation)])) {
      if (isBuilding() || Labels[LABEL.instance] !== undefined) continue;
      await accepting(docker.getContainer(Id).remove({ force: true, v: true }), [404, 409]);
    }
  }

  async #unusedBases({ docker }: Client): Promise<void> {
    const { installation, isBuilding, records, images, holds } = this.#options;
    if (isBuilding()) return;
    const there = await images.all();
    const used = new Set<string>();
    for (const key of await records.keys()) {
      const { bases } = await records.find(key);
      const isKept = there.has(key) || (await records.ageMs(key, this.#options.clock.now())) < CACHE_AGE_MS;
      if (isKept) for (const { id } of bases) used.add(baseTag(installation, id));
      else await records.remove(key);
    }
    for (const { RepoTags } of await allImages(docker)) {
      for (const tag of RepoTags ?? []) {
        if (isBuilding() || !isOwnTag(installation, tag, 'base') || used.has(tag)) continue;
        await holds.removeUnheld(tag, () => accepting(docker.getImage(tag).remove({ force: true }), [404, 409]));
      }
    }
  }

  async #unnamedImages({ docker }: Client, olderThanMs: number): Promise<void> {
    const { installation, clock } = this.#options;
    for (const { Id, Created, Labels } of await danglingImagesWith(docker, installationLabel(installation))) {
      if (Labels?.[LABEL.installation] !== installation || clock.now() - Created * 1_000 < olderThanMs) continue;
      // 409: a container is made of it, or another image.
      await accepting(docker.getImage(Id).remove(), [404, 409]);
    }
  }

  async #oldCache(client: Client): Promise<void> {
    if (client.about.kind !== 'docker') return;
    const records = await this.#ownCache(client);
    const before = this.#options.clock.now() - CACHE_AGE_MS;
    await this.#prune(
      client,
      records.filter((record) => lastUse(record) < before),
    );
  }

  /** Least recently used cache goes first, then layers without a name. What is left over holds builds up. */
  async #keepLimit(client: Client, maxBytes: number): Promise<void> {
    const { installation } = this.#options;
    const taken = async () => {
      const own = ownBytes(await diskUse(client.docker, this.#options.clock), installation);
      const cache = client.about.kind === 'docker' ? await this.#ownCache(client) : [];
      return { cache, bytes: own + cache.reduce((sum, { Size, Shared }) => sum + (Shared ? 0 : Size), 0) };
    };
    const { cache, bytes } = await taken();
    this.#takenBytes = bytes;
    if (bytes <= maxBytes) return;
    await this.#unnamedImages(client, 0);
    let over = bytes - maxBytes;
    const going: CacheRecord[] = [];
    const left = cache.filter((record) => isLeft(record, this.#options.clock.now()));
    for (const record of left.sort((a, b) => lastUse(a) - lastUse(b))) {
      if (over <= 0) break;
      if (!record.Shared) over -= record.Size;
      going.push(record);
    }
    await this.#prune(client, going);
    this.#takenBytes = (await taken()).bytes;
  }

  async #ownCache({ docker }: Client): Promise<readonly CacheRecord[]> {
    const own: CacheRecord[] = [];
    for (const record of (await diskUse(docker, this.#options.clock)).BuildCache ?? []) {
      if (!record.InUse && (await this.#options.windows.holds(Date.parse(record.CreatedAt)))) own.push(record);
    }
    return own;
  }

  async #prune({ docker }: Client, records: readonly CacheRecord[]): Promise<void> {
    for (const { ID } of records.slice(0, MOST_RECORDS)) {
      const asked: Promise<unknown> = docker.pruneBuilder({ all: true, filters: { id: [ID] } } as object);
      await asked;
    }
  }
}
