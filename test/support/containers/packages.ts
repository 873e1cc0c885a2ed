import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';

/** A program and the Debian packages that bring it. */
export interface Program {
  readonly name: string;
  readonly packages: readonly string[];
}

const installTimeoutMs = 5 * 60_000;

/** The Docker Engine with what its bridge needs, Podman with what it runs containers by, without root too, and what tests look with. */
export const enginePrograms: readonly Program[] = [
  { name: 'dockerd', packages: ['docker.io'] },
  { name: 'iptables', packages: ['iptables'] },
  { name: 'ip', packages: ['iproute2'] },
  { name: 'podman', packages: ['podman', 'runc', 'slirp4netns', 'fuse-overlayfs'] },
  { name: 'newuidmap', packages: ['uidmap'] },
  { name: 'catatonit', packages: ['catatonit'] },
  { name: 'busybox', packages: ['busybox-static'] },
];

/**
 * Makes sure that packages are installed which bring these programs, installing them where tests may do that: as root
 * on Debian or Ubuntu with CI=true. Says whether they are.
 */
export async function haveInstalled(wanted: readonly Program[], env: NodeJS.ProcessEnv): Promise<boolean> {
  const isThere = (): boolean => wanted.every(({ name }) => isInstalled(name, env.PATH ?? ''));
  if (!isThere() && mayInstall(env)) await install(wanted, env);
  return isThere();
}

/** Whether tests may install packages here: nobody's machine, and a system that is known. */
export function mayInstall(env: NodeJS.ProcessEnv): boolean {
  return env.CI === 'true' && process.getuid?.() === 0 && isInstalled('apt-get', env.PATH ?? '');
}

/** Whether a program is on the path, or where only root has its programs. */
export function isInstalled(name: string, path: string): boolean {
  return [...path.split(delimiter), '/usr/sbin', '/sbin'].some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Installs what is missing of these on Debian or Ubuntu, as root. Throws with what apt-get said. */
export async function install(wanted: readonly Program[], env: NodeJS.ProcessEnv): Promise<void> {
  const missing = wanted.filter(({ name }) => !isInstalled(name, env.PATH ?? ''));
  const packages = missing.flatMap((program) => program.packages);
  if (packages.length === 0) return;
  console.log(`installing ${packages.join(' ')} …`);
  const startedMs = performance.now();
  const installation = ['install', '-y', '--no-install-recommends', ...packages];
  // The lists may be as fresh as they can be, old, or not there at all.
  const first = await aptGet(installation, { reject: false });
  if (first.failed) {
    await aptGet(['update'], { reject: false });
    await aptGet(installation, { reject: true });
  }
  console.log(`installed ${packages.join(' ')} (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`);
}

function aptGet(args: readonly string[], { reject }: { readonly reject: boolean }) {
  const options = { env: { DEBIAN_FRONTEND: 'noninteractive' }, timeout: installTimeoutMs, reject };
  return execa('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=120', ...args], options);
}
