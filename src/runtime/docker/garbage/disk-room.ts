import { statfs } from 'node:fs/promises';
import type { Clock } from '../../../model/clock.ts';
import { MainspringError } from '../../../model/errors.ts';
import { watched } from '../build/watched.ts';
import type { Client } from '../connection/connection.ts';

const LOOK_MS = 2_000;

/** Says how much room the engine's disk has, where it is a disk that we can see. */
export class DiskRoom {
  readonly #minFreeBytes: number;
  readonly #clock: Clock;
  #root: { readonly of: Client; readonly path: string | undefined } | null = null;

  constructor(minFreeBytes: number, clock: Clock) {
    this.#minFreeBytes = minFreeBytes;
    this.#clock = clock;
  }

  /** Throws `engine-failed`, to be tried again, where a build would fill the disk up. */
  async check(client: Client): Promise<void> {
    if (this.#root?.of !== client) this.#root = { of: client, path: await rootOf(client) };
    const root = this.#root.path;
    const free = root === undefined ? undefined : await freeBytes(root);
    if (free !== undefined && free < this.#minFreeBytes) throw tooFull(root ?? '', free, this.#minFreeBytes);
  }

  /** Looks at the disk while `work` goes on; work that fills it up is ended, by its signal, with the reason that `check` gives. */
  watching<T>(client: Client, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const look = () => this.check(client);
    return watched({ clock: this.#clock, everyMs: LOOK_MS, signal, look }, work);
  }
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

function tooFull(root: string, free: number, wanted: number): MainspringError {
  return new MainspringError(
    'engine-failed',
    `builds are held: ${inMegabytes(free)} free on the disk of the container engine ("${root}"), expected ${inMegabytes(wanted)}`,
    {
      hint: 'Make room there, or lower [docker] min_free in mainspring.toml. What runs goes on.',
      retry: 'after-interval',
    },
  );
}

function inMegabytes(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MB`;
}
