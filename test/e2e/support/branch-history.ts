import { join } from 'node:path';
import { type Files, staticApp } from './apps.ts';
import { deleteBranch, pushTo, revert, squash } from './branches.ts';
import { type History, OF_PROCESSES, type Phase } from './history.ts';
import type { Installation } from './installation.ts';
import { NONCE_BUILD, nonceApp } from './nonce-app.ts';
import { hostOf } from './team.ts';

/** A history of branches: previews made, joined, merged, reverted and ended, stage beside production, releases that go, are held and remove. */
export function branchHistory(): History {
  return {
    settings: { process: 'all' },
    begin: async (installation) => {
      await installation.push('work', nonceApp('work 1'));
      await installation.push('config', {
        ...staticApp('home', 'home/'),
        ...staticApp('page 1', 'page/'),
        ...nonceApp('one 1', { folder: 'one/' }),
        ...nonceApp('two 1', { folder: 'two/' }),
        ...declared(installation),
      });
    },
    phases: [...BRANCHES, ...RELEASES],
    lookedAt: ['prod', 'stage', 'feature', 'given-up'].flatMap((env) =>
      ['/work/', '/one/', '/two/', '/page/'].map((path) => `//${hostOf(env)}${path}`),
    ),
    // What nobody owns does not come from branches; what sleeps takes time in which nobody asks (the simulation is killed there).
    sleepers: [],
    boundaries: OF_PROCESSES.filter((boundary) => !boundary.startsWith('orphan:') && boundary !== 'dozing'),
    steady: { path: '/', isGood: (body) => body === 'home\n' },
    together: { envs: ['prod', 'stage'], apps: ['/one', '/two', '/page'] },
  };
}

const FEATURE = ['work', 'config'].map((repo) => ({ repo, branch: 'feature' }));
const GIVEN_UP = { repo: 'work', branch: 'given-up' };

/** From the first push to a branch until nothing of it is left. */
const BRANCHES: readonly Phase[] = [
  {
    name: 'two branches of a source get their previews',
    act: async (installation) => {
      await pushTo(installation, { repo: 'work', branch: 'feature' }, nonceApp('work 2'));
      await pushTo(installation, GIVEN_UP, nonceApp('work that was given up'));
    },
  },
  {
    name: 'a branch of the config joins one of them',
    act: (installation) =>
      pushTo(
        installation,
        { repo: 'config', branch: 'feature' },
        { ...declared(installation, { greeting: 'hi' }), ...staticApp('page 2', 'page/') },
      ),
  },
  {
    name: 'it is merged, so what was previewed is promoted',
    act: async (installation) => {
      for (const branch of FEATURE) await squash(installation, branch);
    },
    buildsNothing: true,
  },
  {
    name: 'the merge is reverted',
    act: async (installation) => {
      for (const { repo } of FEATURE) await revert(installation, repo);
    },
    buildsNothing: true,
  },
  {
    name: 'the branches are deleted while the controller starts again',
    act: async (installation) => {
      installation.daemon?.signal('SIGHUP');
      for (const branch of [...FEATURE, GIVEN_UP]) await deleteBranch(installation, branch);
    },
    buildsNothing: true,
  },
];

/** Of one app more than is sick, all are held; what is removed goes with the others. */
const RELEASES: readonly Phase[] = [
  {
    name: 'a release is held by a member that is sick',
    act: (installation) =>
      installation.push('config', {
        ...declared(installation, { two: ', health = {"timeout": "1s"}' }),
        ...staticApp('page 3', 'page/'),
        ...nonceApp('one 3', { folder: 'one/' }),
        ...nonceApp('two 3', { folder: 'two/', status: 500 }),
      }),
  },
  {
    name: 'with its fix all of it goes live',
    act: (installation) =>
      installation.push('config', { ...declared(installation), ...nonceApp('two 4', { folder: 'two/' }) }),
  },
  {
    name: 'a release changes two apps and removes one',
    act: (installation) =>
      installation.push('config', {
        ...declared(installation, { two: null }),
        ...staticApp('page 5', 'page/'),
        ...nonceApp('one 5', { folder: 'one/' }),
      }),
  },
];

/** The config file. `two` are further arguments of that app; null: it is not there. */
function declared(
  { root }: Installation,
  { greeting = 'hello', two = '' }: { readonly greeting?: string; readonly two?: string | null } = {},
): Files {
  const lines = [
    'app("/", "./home", stage = False)',
    `app("/work", "${join(root, 'repos', 'work.git')}", params = {"GREETING": "${greeting}"}, ${NONCE_BUILD})`,
    'app("/page", "./page")',
    `app("/one", "./one", ${NONCE_BUILD})`,
    ...(two === null ? [] : [`app("/two", "./two", ${NONCE_BUILD}${two})`]),
  ];
  return { 'apps.star': `${lines.join('\n')}\n` };
}
