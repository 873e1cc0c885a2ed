import { execa } from 'execa';
import { below } from './archive.ts';
import { debianWith, searchPath } from './debian.ts';
import { goEnv } from './package-registries.ts';
import { BaseImageUnavailable, type Contents, type Recipe } from './recipe.ts';

/** The Go of this machine as /usr/local/go. */
export const golang: Recipe = {
  names: ['golang:1.26'],
  async collect(): Promise<Contents> {
    const { stdout, failed } = await execa('go', ['env', 'GOROOT'], { reject: false, cwd: '/' });
    if (failed) throw new BaseImageUnavailable('there is no Go here');
    const root = stdout.trim();
    const system = await debianWith([]);
    const isOut = (path: string): boolean => /^(test|doc|api|misc)$/.test(path);
    return {
      ...system,
      parts: [...system.parts, { from: root, files: below(root, '.', isOut), to: '/usr/local/go' }],
      folders: [...(system.folders ?? []), '/go/bin', '/go/src'],
      env: {
        ...system.env,
        PATH: `/go/bin:/usr/local/go/bin:${searchPath}`,
        GOPATH: '/go',
        GOTOOLCHAIN: 'local',
        CGO_ENABLED: '0',
        ...(await goEnv()),
      },
    };
  },
};
