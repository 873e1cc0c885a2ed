import { haveInstalled } from '../packages.ts';
import { debianWith } from './debian.ts';
import { pythonEnv } from './package-registries.ts';
import { BaseImageUnavailable, type Contents } from './recipe.ts';

const packages = ['python3', 'python3-pip', 'python3-venv'];

/** Debian's own Python with pip, which may install beside it as in the official image. */
export async function debianPython(): Promise<Contents> {
  const programs = ['python3', 'pip3'].map((name) => ({ name, packages }));
  if (!(await haveInstalled(programs, process.env))) {
    throw new BaseImageUnavailable(
      'there is no Python 3.13 here (of pyenv, or in /usr/local), and Debian’s is not whole',
    );
  }
  const system = await debianWith(packages);
  return {
    ...system,
    parts: system.parts.map((part) => ({
      ...part,
      files: part.files.filter((path) => !path.endsWith('/EXTERNALLY-MANAGED')),
    })),
    links: { '/usr/local/bin/python': '/usr/bin/python3' },
    env: { ...system.env, ...(await pythonEnv()) },
    command: ['python3'],
  };
}
