import { spawn } from 'node:child_process';
import { cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Files, processApp, staticApp } from './apps.ts';
import { type History, OF_PROCESSES, type Phase } from './history.ts';
import type { Installation } from './installation.ts';

/** One app never gets healthy, and must not hold the others. */
const EACH_ALONE = 'release(atomic = False)\n';

/** What is there before anything is disturbed. */
const FIRST: Files = { 'apps.star': `${EACH_ALONE}app("/", "./home")\n`, ...staticApp('home 1', 'home/') };

/** A history without branches that comes by every boundary: apps made, changed, broken, removed and purged, one that never gets healthy, things that nobody owns. */
export function prodHistory(upstreamPort: number): History {
  return {
    settings: { proxyAllow: [`127.0.0.1:${upstreamPort}`] },
    begin: (installation) => installation.push('config', FIRST),
    phases: phasesWith(upstreamPort),
    lookedAt: ['/', '/site/', '/work/', '/side/', '/one/', '/two/', '/up/x', '/bad/', '/elsewhere'],
    sleepers: ['/nap'],
    // Commits are compared where there are branches.
    boundaries: OF_PROCESSES.filter((boundary) => boundary !== 'compared'),
    steady: { path: '/', isGood: (body) => /^home \d+\n$/.test(body) },
    together: { envs: [], apps: [] },
  };
}

function phasesWith(upstreamPort: number): Phase[] {
  const apps = (installation: Installation, which: readonly string[], greeting = '') =>
    EACH_ALONE + which.map((name) => declaration(installation, name, { upstreamPort, greeting })).join('');
  const FEW = ['home', 'site', 'work', 'one', 'two', 'nap'];
  const ALL = [...FEW, 'side', 'up', 'bad'];
  return [
    {
      name: 'apps are made, and one never gets healthy',
      act: async (installation) => {
        await installation.push('site', staticApp('site 1'));
        await installation.push('work', processApp('work 1'));
        await installation.push('config', {
          'apps.star': apps(installation, ALL),
          ...processApp('side 1', { folder: 'side/' }),
          ...processApp('bad 1', { folder: 'bad/', status: 500 }),
        });
      },
    },
    {
      name: 'all of them change',
      act: async (installation) => {
        await installation.push('site', staticApp('site 2'));
        await installation.push('work', processApp('work 2'));
        await installation.push('config', {
          'apps.star': apps(installation, ALL, ' hello'),
          ...staticApp('home 2', 'home/'),
          ...processApp('side 2', { folder: 'side/' }),
        });
      },
    },
    {
      name: 'the config is broken while a source moves on',
      act: async (installation) => {
        await installation.push('config', { 'apps.star': 'app("/", "./home"' });
        await installation.push('work', processApp('work 3'));
      },
    },
    {
      name: 'three apps are removed and their data is purged',
      act: (installation) => installation.push('config', { 'apps.star': apps(installation, FEW) }),
    },
    {
      name: 'apps come back',
      act: (installation) =>
        installation.push('config', {
          'apps.star': apps(installation, [...FEW, 'side', 'up'], ' again'),
          ...staticApp('home 3', 'home/'),
        }),
    },
    {
      name: 'a start finds what nobody owns',
      act: async (installation) => {
        plantOrphans(installation);
        installation.daemon?.signal('SIGHUP');
        await installation.push('work', processApp('work 4'));
        await installation.push('config', processApp('side 3', { folder: 'side/' }));
      },
    },
    {
      name: 'two apps are removed once more',
      act: (installation) => installation.push('config', { 'apps.star': apps(installation, FEW, ' last') }),
    },
  ];
}

function declaration(
  installation: Installation,
  name: string,
  { upstreamPort, greeting }: { readonly upstreamPort: number; readonly greeting: string },
): string {
  const repo = (of: string) => join(installation.root, 'repos', `${of}.git`);
  const params = `params = {"GREETING": "${greeting}"}`;
  const known: Record<string, string> = {
    home: 'app("/", "./home")',
    site: `app("/site", "${repo('site')}", stage = False)`,
    work: `app("/work", "${repo('work')}", ${params})`,
    side: `app("/side", "./side", ${params})`,
    // All of them run the artifact of "/side".
    one: `app("/one", "./side", ${params}, stage = False)`,
    two: `app("/two", "./side", ${params}, stage = False)`,
    nap: `app("/nap", "./side", ${params}, stage = False, idle = "1s")`,
    up: `app("/up", "-", spec = "proxy", params = {"url": "http://127.0.0.1:${upstreamPort}"})`,
    bad: 'app("/bad", "./bad", health = {"timeout": "1s"})',
  };
  return `${known[name]}\n`;
}

/** An artifact, the record of an instance and a process that no row owns: what a crash in between, or a restored backup, leaves. */
function plantOrphans(installation: Installation): void {
  const trees = join(installation.data, 'trees');
  const [tree = ''] = readdirSync(trees).filter((name) => /^[0-9a-f]{64}$/.test(name));
  cpSync(join(trees, tree), join(trees, 'f'.repeat(64)), { recursive: true });
  const records = join(installation.data, 'static', 'instances');
  const [record = ''] = readdirSync(records);
  cpSync(join(records, record), join(records, `i${'e'.repeat(19)}.json`));
  const env = {
    MAINSPRING_INSTALLATION: installation.installationId ?? '',
    MAINSPRING_INSTANCE: `i${'f'.repeat(19)}`,
    MAINSPRING_APP: '/nobody',
  };
  spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { env, detached: true, stdio: 'ignore' }).unref();
}
