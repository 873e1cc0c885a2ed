import type { SimEvent } from './events.ts';
import type { SimApp } from './sim-config.ts';

/** An event that changes which apps are declared, or how. */
export type AppEvent = Extract<
  SimEvent,
  { type: 'add-app' | 'change-app' | 'remove-app' | 'move-app' | 'change-policy' | 'change-health' }
>;

/** The app that goes live unverified, wherever it is declared. */
export const UNVERIFIED = 'app-7';

const STRATEGIES = ['blue_green', 'blue_green', 'replace', 'blue_green'] as const;
const SPECS: readonly SimApp['spec'][] = ['static', 'procfile', 'procfile', 'proxy'];

/** The declarations after an edit. `repos`: the URLs of the source repos; `hasFolder`: whether the config repo has a folder. */
export function editApps(
  apps: readonly SimApp[],
  event: AppEvent,
  of: { readonly repos: readonly string[]; readonly hasFolder: (folder: string) => boolean },
): readonly SimApp[] {
  if (event.type === 'add-app') {
    const app = newApp(apps, event, of.repos);
    const isThere = app === null || (app.repo === '' && !of.hasFolder(app.folder));
    return isThere ? apps : [...apps, app];
  }
  const chosen = apps[event.app % Math.max(1, apps.length)];
  if (chosen === undefined) return apps;
  if (event.type === 'remove-app') return apps.filter((app) => app !== chosen);
  const changed = CHANGES[event.type](chosen, event.value);
  const isTaken = apps.some((app) => app !== chosen && app.path === changed.path);
  return isTaken ? apps : apps.map((app) => (app === chosen ? changed : app));
}

const CHANGES = {
  'change-app': (app: SimApp, value: number): SimApp => ({ ...app, params: value }),
  'change-policy': (app: SimApp, value: number): SimApp => ({ ...app, timeoutMs: 50_000 + value * 2_000 }),
  'change-health': (app: SimApp): SimApp => ({ ...app, health: app.health === '/' ? '/deep' : '/' }),
  'move-app': (app: SimApp, value: number): SimApp => ({ ...app, path: `/moved-${value}` }),
};

function newApp(
  apps: readonly SimApp[],
  event: Extract<AppEvent, { type: 'add-app' }>,
  repos: readonly string[],
): SimApp | null {
  const id = `app-${event.app}`;
  const path = apps.some((app) => app.path === `/${id}`) ? `/other-${event.app}` : `/${id}`;
  if (apps.some((app) => app.id === id || app.path === path)) return null;
  const spec = SPECS[event.spec % SPECS.length] ?? 'static';
  const repo = spec === 'proxy' ? '-' : (repos[event.repo] ?? '');
  const of = {
    params: 0,
    timeoutMs: 60_000,
    verify: id !== UNVERIFIED,
    health: '/',
    stage: event.app % 3 !== 0,
    previews: event.app !== 6,
    strategy: STRATEGIES[event.app % 4] ?? 'blue_green',
  };
  return { id, path, spec, repo, folder: `apps/${event.folder}`, ...of };
}
