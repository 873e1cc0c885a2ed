import type Docker from 'dockerode';
import type { EngineAbout } from './engine-about.ts';

/** What an engine can hold containers to. */
export interface EngineAbilities {
  /** What it runs under: an ordinary user, without rights over the machine. */
  readonly isRootless: boolean;
  /** Limits that it enforces. What it does not may be an error to ask for: Podman hands it to the kernel all the same. */
  readonly limits: { readonly memory: boolean; readonly cpus: boolean; readonly pids: boolean };
  /** Whether it can freeze a container. */
  readonly pauses: boolean;
}

/** What an engine says of itself in `GET /info`, as far as it is read. */
export interface EngineInfo {
  readonly Driver?: string;
  readonly CgroupVersion?: string;
  readonly DockerRootDir?: string;
  readonly MemoryLimit?: boolean;
  readonly PidsLimit?: boolean;
  readonly CpuCfsQuota?: boolean;
  readonly SecurityOptions?: readonly string[];
  /** Podman's own field. */
  readonly Rootless?: boolean;
}

/** Cgroup controllers by the name of Podman's own `info`; null: it was not asked. */
export type Controllers = readonly string[] | null;

/** Asks an engine what it can. Costs some tens of milliseconds with Docker and some tenths of a second with Podman. */
export async function askAbilities(docker: Docker, about: EngineAbout): Promise<EngineAbilities> {
  return abilitiesBy(docker, about, await askInfo(docker));
}

/** What an engine can that has said this of itself. */
export async function abilitiesBy(docker: Docker, { kind }: EngineAbout, info: EngineInfo): Promise<EngineAbilities> {
  // What Podman says of its limits in the words of Docker need not be so: without root it names none that it has.
  return abilitiesOf(info, kind === 'podman' ? await askControllers(docker) : null);
}

/** What an engine says of itself. */
export async function askInfo(docker: Docker): Promise<EngineInfo> {
  const asked: Promise<unknown> = docker.info();
  return (await asked) as EngineInfo;
}

/** An engine that does not say has what engines have. */
export function abilitiesOf(info: EngineInfo, controllers: Controllers): EngineAbilities {
  const rootless = isRootless(info);
  const has = (name: string, said: boolean | undefined) => controllers?.includes(name) ?? said !== false;
  return {
    isRootless: rootless,
    limits: {
      memory: has('memory', info.MemoryLimit),
      cpus: has('cpu', info.CpuCfsQuota),
      pids: has('pids', info.PidsLimit),
    },
    // Only in the first version is freezing a controller, and none of it is an ordinary user's.
    pauses: !(rootless && (info.CgroupVersion ?? '1') === '1'),
  };
}

function isRootless({ SecurityOptions: options, Rootless: podmans }: EngineInfo): boolean {
  return podmans === true || (options ?? []).some((option) => option.includes('rootless'));
}

/** Podman's own question, which its clients of version 4 and newer ask (`GET /libpod/info`). */
async function askControllers({ modem }: Docker): Promise<Controllers> {
  const options = { path: '/v4.0.0/libpod/info', method: 'GET', statusCodes: { 200: true, 500: 'server error' } };
  const answer: unknown = await new Promise((resolve, reject) => {
    modem.dial(options, (error: Error | null, result: unknown) => (error === null ? resolve(result) : reject(error)));
  });
  return (
    (answer as { readonly host?: { readonly cgroupControllers?: readonly string[] } }).host?.cgroupControllers ?? null
  );
}
