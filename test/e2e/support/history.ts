import { spawn } from 'node:child_process';
import { cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Files, processApp, staticApp } from './apps.ts';
import type { Installation, SettledOn } from './installation.ts';
import { readTables } from './inventory.ts';

/** What a client looks at after each phase. */
export const LOOKED_AT = ['/', '/site/', '/work/', '/side/', '/one/', '/two/', '/up/x', '/bad/', '/elsewhere'];

/** The app that is live from the first moment to the last, and what it may say. */
export const STEADY = { path: '/', isGood: (body: string) => /^home \d+\n$/.test(body) };

/** One part of a history: what people do, and when it has come to rest. */
export interface Phase {
  readonly name: string;
  act(installation: Installation): Promise<SettledOn>;
}

/** One app never gets healthy, and must not hold the others. */
const EACH_ALONE = 'release(atomic = False)\n';

/** What is there before anything is disturbed. */
export const FIRST: Files = { 'apps.star': `${EACH_ALONE}app("/", "./home")\n`, ...staticApp('home 1', 'home/') };

/** A history that comes by every boundary: apps made, changed, broken, removed and purged, one that never gets healthy, things that nobody owns. */
export function historyWith(upstreamPort: number): readonly Phase[] {
  const apps = (installation: Installation, which: readonly string[], greeting = '') =>
    EACH_ALONE + which.map((name) => declaration(installation, name, { upstreamPort, greeting })).join('');
  const FEW = ['home', 'site', 'work', 'one', 'two'];
  const ALL = [...FEW, 'side', 'up', 'bad'];
  return [
    {
      name: 'apps are made, and one never gets healthy',
      act: async (installation) => {
        const site = await installation.push('site', staticApp('site 1'));
        const work = await installation.push('work', processApp('work 1'));
        const config = await installation.push('config', {
          'apps.star': apps(installation, ALL),
          ...processApp('side 1', { folder: 'side/' }),
          ...processApp('bad 1', { folder: 'bad/', status: 500 }),
        });
        return { config, sources: { '/site': site, '/work': work } };
      },
    },
    {
      name: 'all of them change',
      act: async (installation) => {
        const site = await installation.push('site', staticApp('site 2'));
        const work = await installation.push('work', processApp('work 2'));
        const config = await installation.push('config', {
          'apps.star': apps(installation, ALL, ' hello'),
          ...staticApp('home 2', 'home/'),
          ...processApp('side 2', { folder: 'side/' }),
        });
        return { config, sources: { '/site': site, '/work': work } };
      },
    },
    {
      name: 'the config is broken while a source moves on',
      act: async (installation) => {
        const config = await installation.push('config', { 'apps.star': 'app("/", "./home"' });
        const work = await installation.push('work', processApp('work 3'));
        return { config, sources: { '/work': work } };
      },
    },
    {
      name: 'three apps are removed and their data is purged',
      act: async (installation) => ({
        config: await installation.push('config', { 'apps.star': apps(installation, FEW) }),
      }),
    },
    {
      name: 'apps come back',
      act: async (installation) => ({
        config: await installation.push('config', {
          'apps.star': apps(installation, [...FEW, 'side', 'up'], ' again'),
          ...staticApp('home 3', 'home/'),
        }),
      }),
    },
    {
      name: 'a start finds what nobody owns',
      act: async (installation) => {
        plantOrphans(installation);
        installation.daemon?.signal('SIGHUP');
        const work = await installation.push('work', processApp('work 4'));
        const config = await installation.push('config', processApp('side 3', { folder: 'side/' }));
        return { config, sources: { '/work': work } };
      },
    },
    {
      name: 'two apps are removed once more',
      act: async (installation) => ({
        config: await installation.push('config', { 'apps.star': apps(installation, FEW, ' last') }),
      }),
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
    // Both run the artifact of "/side".
    one: `app("/one", "./side", ${params}, stage = False)`,
    two: `app("/two", "./side", ${params}, stage = False)`,
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

/** Whether timers of retention have nothing left to do: no data of removed apps, no artifact that nothing refers to. */
export function isRetentionOver(installation: Installation): boolean {
  const tables = new Map(readTables(installation));
  const referring = ['deployments', 'instances'].flatMap((table) => tables.get(table) ?? []);
  const text = JSON.stringify(
    referring.map(({ live, next, kept, target }) => [live ?? '', next ?? '', kept ?? '', target ?? '']),
  );
  const artifacts = tables.get('artifacts') ?? [];
  return (tables.get('retained') ?? []).length === 0 && artifacts.every(({ key }) => text.includes(String(key)));
}
