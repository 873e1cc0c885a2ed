import { statfs } from 'node:fs/promises';
import type { Clock } from '../../../model/clock.ts';
import { MainspringError } from '../../../model/errors.ts';
import { watched } from '../build/watched.ts';
import type { Client } from '../connection/connection.ts';

const LOOK_MS = 2_000;

/** How much room builds have. */
export interface DiskRoomOptions {
  readonly minFreeBytes: number;
  /** What this installation may take besides what it takes; null: as much as there is. */
  readonly leftBytes: () => number | null;
  readonly clock: Clock;
}

/** Sees to it that builds leave room on the engine's disk, where it is a disk that we can see. */
export class DiskRoom {
  readonly #options: DiskRoomOptions;
  #root: { readonly of: Client; readonly path: string | undefined } | null = null;

  constructor(options: DiskRoomOptions) {
    this.#options = options;
  }

  /** Throws `engine-failed`, to be tried again, where a build would fill the disk up. */
  async check(client: Client): Promise<void> {
    const { minFreeBytes } = this.#options;
    if (minFreeBytes === 0) return;
    const disk = await this.#disk(client);
    if (disk !== null && disk.free < minFreeBytes) throw tooFull('builds are held', disk, minFreeBytes);
  }

  /**
   * Looks at the disk while `work` goes on. Work that fills it up is ended, by its signal, with `engine-failed`: where less than the minimum
   * is free, and where more went meanwhile than the installation may still take. What a build in BuildKit has written is told by nothing else.
   */
  async watching<T>(client: Client, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { minFreeBytes, clock } = this.#options;
    const left = this.#options.leftBytes();
    if (minFreeBytes === 0 && left === null) return work(signal);
    const before = await this.#disk(client);
    const look = async () => {
      const disk = await this.#disk(client);
      if (disk === null) return;
      if (disk.free < minFreeBytes) throw tooFull('build: ended, as the disk got full meanwhile', disk, minFreeBytes);
      const written = (before?.free ?? 0) - disk.free;
      if (left !== null && written > left) throw tooMuch(written, left);
    };
    return watched({ clock, everyMs: LOOK_MS, signal, look }, work);
  }

  async #disk(client: Client): Promise<Disk | null> {
    if (this.#root?.of !== client) this.#root = { of: client, path: await rootOf(client) };
    const { path } = this.#root;
    const free = path === undefined ? undefined : await freeBytes(path);
    return path === undefined || free === undefined ? null : { path, free };
  }
}

/** The disk that an engine keeps everything on. */
interface Disk {
  readonly path: string;
  readonly free: number;
}

/** Refuses builds while an installation takes more than its limit. */
export function checkLimit(overBytes: number): void {
  if (overBytes <= 0) return;
  throw new MainspringError('engine-failed', `builds are held: ${inMegabytes(overBytes)} over [docker] max_disk`, {
    hint: 'Remove environments or data that nobody needs, or raise [docker] max_disk in mainspring.toml. What runs goes on.',
    retry: 'after-interval',
  });
}

async function rootOf({ docker }: Client): Promise<string | undefined> {
  const asked: Promise<unknown> = docker.info();
  const root = ((await asked) as { readonly DockerRootDir?: unknown }).DockerRootDir;
  return typeof root === 'string' && root !== '' ? root : undefined;
}

async function freeBytes(folder: string): Promise<number | undefined> {
  return statfs(folder).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => undefined,
  );
}

function tooFull(what: string, { path, free }: Disk, wanted: number): MainspringError {
  return new MainspringError(
    'engine-failed',
    `${what}: ${inMegabytes(free)} free on the disk of the container engine ("${path}"), expected ${inMegabytes(wanted)}`,
    {
      hint: 'Make room there, have the build write less, or lower [docker] min_free in mainspring.toml. What runs goes on.',
      retry: 'after-interval',
    },
  );
}

function tooMuch(written: number, left: number): MainspringError {
  return new MainspringError(
    'engine-failed',
    `build: ended, as ${inMegabytes(written)} were written to the disk of the container engine meanwhile, and [docker] max_disk leaves ${inMegabytes(left)}`,
    {
      hint: 'Have the build write less, remove environments or data that nobody needs, or raise [docker] max_disk in mainspring.toml.',
      retry: 'after-interval',
    },
  );
}

function inMegabytes(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MB`;
}
