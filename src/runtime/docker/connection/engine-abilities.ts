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

/** What an engine says of itself; undefined: nothing. */
export interface EngineInfo {
  /** How it keeps images and containers. */
  readonly storage: string | undefined;
  /** Where it keeps them. */
  readonly root: string | undefined;
  readonly cgroupVersion: '1' | '2';
  readonly isRootless: boolean;
  readonly limits: { readonly [Limit in keyof EngineAbilities['limits']]: boolean | undefined };
}

/** Docker's answer to `GET /info`, as far as it is read. */
export interface DockerInfo {
  readonly Driver?: string;
  readonly CgroupVersion?: string;
  readonly DockerRootDir?: string;
  readonly MemoryLimit?: boolean;
  readonly PidsLimit?: boolean;
  readonly CpuCfsQuota?: boolean;
  readonly SecurityOptions?: readonly string[];
}

/** Podman's answer to `GET /libpod/info`, as far as it is read. */
export interface PodmanInfo {
  readonly host?: {
    readonly cgroupVersion?: string;
    readonly cgroupControllers?: readonly string[];
    readonly security?: { readonly rootless?: boolean };
  };
  readonly store?: { readonly graphDriverName?: string; readonly graphRoot?: string };
}

/** Asks an engine what it can. Costs some tens of milliseconds with Docker and some tenths of a second with Podman. */
export async function askAbilities(docker: Docker, about: EngineAbout): Promise<EngineAbilities> {
  return abilitiesOf(await askInfo(docker, about));
}

/**
 * Asks an engine for what it says of itself; Podman in its own words, which its clients of version 4 and newer use: in those of Docker it
 * names no limit that it enforces without root.
 */
export async function askInfo(docker: Docker, { kind }: EngineAbout): Promise<EngineInfo> {
  const info: unknown = await (kind === 'podman' ? askPodman(docker) : docker.info());
  return kind === 'podman' ? infoOfPodman(info as PodmanInfo) : infoOfDocker(info as DockerInfo);
}

/** An engine that does not say has what engines have. */
export function abilitiesOf({ isRootless, cgroupVersion, limits }: EngineInfo): EngineAbilities {
  return {
    isRootless,
    limits: { memory: limits.memory !== false, cpus: limits.cpus !== false, pids: limits.pids !== false },
    // Only in the first version is freezing a controller, and none of it is an ordinary user's.
    pauses: !(isRootless && cgroupVersion === '1'),
  };
}

/** What Docker says. */
export function infoOfDocker(info: DockerInfo): EngineInfo {
  return {
    storage: info.Driver,
    root: info.DockerRootDir,
    cgroupVersion: info.CgroupVersion === '2' ? '2' : '1',
    isRootless: (info.SecurityOptions ?? []).some((option) => option.includes('rootless')),
    limits: { memory: info.MemoryLimit, cpus: info.CpuCfsQuota, pids: info.PidsLimit },
  };
}

/** What Podman says: a limit is one of its cgroup controllers. */
export function infoOfPodman({ host, store }: PodmanInfo): EngineInfo {
  const has = (controller: string) => host?.cgroupControllers?.includes(controller);
  return {
    storage: store?.graphDriverName,
    root: store?.graphRoot,
    cgroupVersion: host?.cgroupVersion === 'v2' ? '2' : '1',
    isRootless: host?.security?.rootless === true,
    limits: { memory: has('memory'), cpus: has('cpu'), pids: has('pids') },
  };
}

function askPodman({ modem }: Docker): Promise<unknown> {
  const options = { path: '/v4.0.0/libpod/info', method: 'GET', statusCodes: { 200: true, 500: 'server error' } };
  return new Promise((resolve, reject) => {
    modem.dial(options, (error: Error | null, result: unknown) => (error === null ? resolve(result) : reject(error)));
  });
}
