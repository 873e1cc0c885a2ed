import { readFileSync } from 'node:fs';
import { closeOver, filesOfPackages, readInstalled } from './debian-files.ts';
import { caEnv } from './package-registries.ts';
import { BaseImageUnavailable, type Contents, type Recipe } from './recipe.ts';

/** Where programs are looked for. */
export const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const always = ['ca-certificates', 'openssl', 'tzdata', 'libstdc++6', 'netbase', 'passwd', 'adduser'];

/** Debian's essential packages with certificates, as far as this machine has them. */
export const debian: Recipe = { names: ['debian:bookworm-slim'], collect: () => debianWith([]) };

/** Debian with these packages and what they need: what most stand-ins begin with. */
export async function debianWith(names: readonly string[]): Promise<Contents> {
  const installed = await readInstalled();
  if (installed.size === 0)
    throw new BaseImageUnavailable('a stand-in is made of Debian packages: there is no dpkg here');
  const files = await filesOfPackages(closeOver(installed, [...always, ...names]));
  return {
    parts: [{ from: '/', files: files.map((path) => path.slice(1)), to: '/' }],
    texts: {
      '/etc/passwd': readUsers('passwd'),
      '/etc/group': readUsers('group'),
      '/etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
      '/etc/ld.so.conf.d/00-local.conf': '/usr/local/lib\n',
    },
    folders: [
      '/dev',
      '/proc',
      '/sys',
      '/run',
      '/tmp',
      '/var/tmp',
      '/root',
      '/home',
      '/usr/local/bin',
      '/usr/local/lib',
    ],
    env: { PATH: searchPath, ...caEnv() },
    command: ['bash'],
    setUp: ['ldconfig'],
  };
}

// Debian's own users, not those of this machine.
function readUsers(file: 'passwd' | 'group'): string {
  return readFileSync(`/usr/share/base-passwd/${file}.master`, 'utf8').replaceAll(':*:', ':x:');
}
