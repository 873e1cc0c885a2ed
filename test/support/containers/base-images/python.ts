import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { below } from './archive.ts';
import { debianWith } from './debian.ts';
import { ownersOfLibraries } from './debian-files.ts';
import { debianPython } from './debian-python.ts';
import { pythonEnv } from './package-registries.ts';
import type { Contents, Recipe } from './recipe.ts';

const wanted = '3.13';
const pip = `#!/usr/local/bin/python3
import sys
from pip._internal.cli.main import main
sys.exit(main())
`;

/**
 * A Python of the version that the image is named after, as /usr/local, with pip and nothing else; else Debian's, of
 * whatever version.
 */
export const python: Recipe = {
  names: [`python:${wanted}-slim`],
  async collect(): Promise<Contents> {
    const prefix = await findPrefix();
    if (prefix === undefined) return debianPython();
    const library = `lib/python${wanted}`;
    const modules = join(prefix, library, 'lib-dynload');
    const binaries = [
      join(prefix, 'bin', `python${wanted}`),
      ...readdirSync(modules).map((name) => join(modules, name)),
    ];
    const system = await debianWith(await ownersOfLibraries(binaries));
    const shared = readdirSync(join(prefix, 'lib')).filter((name) => name.startsWith('libpython'));
    return {
      ...system,
      parts: [
        ...system.parts,
        {
          from: prefix,
          files: [`bin/python${wanted}`, ...shared.map((name) => `lib/${name}`), ...below(prefix, library, isOut)],
          to: '/usr/local',
        },
      ],
      texts: { ...system.texts, '/usr/local/bin/pip': pip, '/usr/local/bin/pip3': pip },
      links: { '/usr/local/bin/python3': `python${wanted}`, '/usr/local/bin/python': 'python3' },
      env: { ...system.env, ...(await pythonEnv()) },
      command: ['python3'],
    };
  },
};

/**
 * What is of this machine and not of Python: its tests, what needs a screen, packages that somebody has installed. And bytecode, which the
 * official image comes without.
 */
function isOut(path: string): boolean {
  const [, , first = '', second = ''] = path.split('/');
  if (path.includes('__pycache__')) return true;
  if (first === 'site-packages') return second !== '' && !/^pip(-|$)/.test(second);
  return /^(test|idlelib|tkinter|turtledemo|config-.*)$/.test(first);
}

/** Where that Python is installed, if it is one that can be moved: with all it needs below one folder. */
async function findPrefix(): Promise<string | undefined> {
  const pyenv = await execa('pyenv', ['root'], { reject: false });
  const versions = pyenv.failed ? '' : join(pyenv.stdout.trim(), 'versions');
  const kept = existsSync(versions) ? readdirSync(versions).filter((name) => name.startsWith(`${wanted}.`)) : [];
  const prefixes = [...kept.map((name) => join(versions, name)), '/usr/local'];
  return prefixes.find((path) => existsSync(join(path, 'bin', `python${wanted}`)));
}
