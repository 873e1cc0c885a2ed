import { execa } from 'execa';
import { below } from './archive.ts';
import { debianWith, searchPath } from './debian.ts';
import { fetchGo } from './fetch-go.ts';
import { goEnv } from './package-registries.ts';
import type { Contents, Recipe } from './recipe.ts';

const wanted = [1, 26] as const;

/** The Go of this machine as /usr/local/go, or one that is fetched where it has none that is new enough. */
export const golang: Recipe = {
  names: ['golang:1.26'],
  async collect(): Promise<Contents> {
    const root = await findGo();
    const system = await debianWith([]);
    // Nor its own tests: 5,700 files that no build reads.
    const isOut = (path: string): boolean => /^(test|doc|api|misc)$|(^|\/)testdata$|_test\.go$/.test(path);
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

async function findGo(): Promise<string> {
  const { stdout, failed } = await execa('go', ['env', 'GOVERSION', 'GOROOT', 'GOPROXY'], { reject: false, cwd: '/' });
  const [version = '', root = '', proxies] = failed ? [] : stdout.split('\n');
  const [, major = 0, minor = 0] = (/^go(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  const isNewEnough = major > wanted[0] || (major === wanted[0] && minor >= wanted[1]);
  return isNewEnough ? root : fetchGo(proxies ?? process.env.GOPROXY);
}
