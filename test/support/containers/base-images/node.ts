import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { below } from './archive.ts';
import { debianWith } from './debian.ts';
import { ownersOfLibraries } from './debian-files.ts';
import { npmEnv } from './package-registries.ts';
import { BaseImageUnavailable, type Contents, type Recipe } from './recipe.ts';

const wanted = '24';
// What the set-up of the checkout has fetched, if it had to.
const fetched = fileURLToPath(new URL('../../../../.node/bin/node', import.meta.url));
const tools = fileURLToPath(new URL('../../../../.node/lib', import.meta.url));

/** A Node of the version that the image is named after, with the npm of this machine. */
export const node: Recipe = {
  names: [`node:${wanted}-slim`],
  async collect(): Promise<Contents> {
    const program = await findNode();
    const npm = await findNpm();
    const system = await debianWith(await ownersOfLibraries([program]));
    const isOut = (path: string): boolean => /^(man|docs)$/.test(path);
    return {
      ...system,
      parts: [
        ...system.parts,
        { from: dirname(program), files: [basename(program)], to: '/usr/local/bin' },
        { from: npm, files: below(npm, '.', isOut), to: '/usr/local/lib/node_modules/npm' },
      ],
      folders: [...(system.folders ?? []), '/usr/local/lib/node_modules'],
      links: Object.fromEntries(
        ['npm', 'npx'].map((name) => [`/usr/local/bin/${name}`, `../lib/node_modules/npm/bin/${name}-cli.js`]),
      ),
      env: { ...system.env, NODE_VERSION: wanted, ...(await npmEnv()) },
      command: ['node'],
      setUp: ['sh', '-c', 'ldconfig && groupadd -g 1000 node && useradd -u 1000 -g node -s /bin/bash -m node'],
    };
  },
};

/** A Node of that version, else the one that runs the tests. */
async function findNode(): Promise<string> {
  for (const path of [process.execPath, fetched]) {
    const { stdout } = existsSync(path) ? await execa(path, ['--version']) : { stdout: '' };
    if (stdout.startsWith(`v${wanted}.`)) return realpathSync(path);
  }
  return realpathSync(process.execPath);
}

/** An npm that is all in one folder, which that of a distribution may not be. */
async function findNpm(): Promise<string> {
  const kept = existsSync(tools) ? readdirSync(tools).map((name) => join(tools, name)) : [];
  const { stdout } = await execa('sh', ['-c', 'command -v npm'], { reject: false });
  const onPath = existsSync(stdout.trim()) ? [dirname(dirname(realpathSync(stdout.trim())))] : [];
  const whole = [...kept, ...onPath].find((path) => existsSync(join(path, 'node_modules', 'semver')));
  if (whole !== undefined) return whole;
  throw new BaseImageUnavailable('there is no npm here that is all in one folder');
}
