import { existsSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { execa } from 'execa';
import { haveInstalled } from '../packages.ts';
import { BaseImageUnavailable, type Contents, type Recipe } from './recipe.ts';

const places = ['/bin/busybox', '/usr/bin/busybox'];

/** Busybox as it is here, statically linked, with a link for each of its programs. */
export const busybox: Recipe = {
  names: ['busybox:latest', 'busybox:1'],
  async collect(): Promise<Contents> {
    await haveInstalled([{ name: 'busybox', packages: ['busybox-static'] }], process.env);
    const program = places.find((path) => existsSync(path));
    const programs = program === undefined ? [] : (await execa(program, ['--list'])).stdout.split('\n');
    if (program === undefined) throw new BaseImageUnavailable('there is no busybox here: install busybox-static');
    return {
      parts: [{ from: dirname(program), files: [basename(program)], to: '/bin' }],
      texts: {
        '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n',
        '/etc/group': 'root:x:0:\nnobody:x:65534:\n',
      },
      links: Object.fromEntries(
        programs.filter((name) => name !== 'busybox' && name !== '').map((name) => [`/bin/${name}`, 'busybox']),
      ),
      folders: ['/bin', '/dev', '/proc', '/sys', '/tmp', '/var/tmp', '/root', '/home', '/etc'],
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
      command: ['sh'],
    };
  },
};
