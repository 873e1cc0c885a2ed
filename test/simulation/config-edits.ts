import type { APP_EDITS, SimEvent } from './events.ts';
import type { SimApp } from './sim-config.ts';

/** An event that changes which apps are declared, or how. */
export type AppEvent = Extract<SimEvent, { type: 'add-app' | (typeof APP_EDITS)[number] }>;

/** The app that goes live unverified, wherever it is declared. */
export const UNVERIFIED = 'app-7';

const STRATEGIES = ['blue_green', 'blue_green', 'replace', 'blue_green'] as const;
const DAY_MS = 86_400_000;
/** How apps are declared at first. */
const FIRST_IDLES: readonly SimApp['idle'][] = [
  { pause: 45_000, stop: 150_000, asleep: false },
  90_000,
  { pause: 30_000, stop: DAY_MS, asleep: false },
  null,
];
const IDLES: readonly SimApp['idle'][] = [
  20_000,
  { pause: 20_000, stop: 240_000, asleep: false },
  null,
  false,
  { pause: 60_000, stop: DAY_MS, asleep: false },
  { pause: 30_000, stop: 1_800_000, asleep: true },
];
const SPECS: readonly SimApp['spec'][] = ['static', 'procfile', 'procfile', 'proxy'];

/** What an edit of the declarations goes by. */
export interface EditContext {
  /** The URLs of the source repos. */
  readonly repos: readonly string[];
  /** Whether the config repo has a folder. */
  readonly hasFolder: (folder: string) => boolean;
  /** The tips that main of a repo had, oldest first. */
  readonly mains: (repo: string) => readonly string[];
}

/** The declarations after an edit. */
export function editApps(apps: readonly SimApp[], event: AppEvent, of: EditContext): readonly SimApp[] {
  if (event.type === 'add-app') {
    const app = newApp(apps, event, of.repos);
    const isThere = app === null || (app.repo === '' && !of.hasFolder(app.folder));
    return isThere ? apps : [...apps, app];
  }
  const chosen = apps[event.app % Math.max(1, apps.length)];
  if (chosen === undefined) return apps;
  if (event.type === 'remove-app') return apps.filter((app) => app !== chosen);
  if (event.type === 'trade-routes') return tradeRoutes(apps, chosen, apps[event.value % apps.length] ?? chosen);
  if (event.type === 'pin-app') return pinned(apps, event, of);
  const changed = CHANGES[event.type](chosen, event.value);
  const isTaken = apps.some((app) => app !== chosen && app.path === changed.path);
  return isTaken ? apps : apps.map((app) => (app === chosen ? changed : app));
}

const CHANGES = {
  'change-app': (app: SimApp, value: number): SimApp => ({ ...app, params: value }),
  'change-policy': (app: SimApp, value: number): SimApp => ({ ...app, timeoutMs: 50_000 + value * 2_000 }),
  'change-health': (app: SimApp): SimApp => ({ ...app, health: app.health === '/' ? '/deep' : '/' }),
  'change-idle': (app: SimApp, value: number): SimApp => ({ ...app, idle: IDLES[value % IDLES.length] ?? null }),
  'move-app': (app: SimApp, value: number): SimApp => ({ ...app, path: `/moved-${value}` }),
};

/** Two apps, each at the other's place. */
function tradeRoutes(apps: readonly SimApp[], one: SimApp, other: SimApp): readonly SimApp[] {
  const paths = new Map([
    [one, other.path],
    [other, one.path],
  ]);
  return apps.map((app) => ({ ...app, path: paths.get(app) ?? app.path }));
}

/** One of those that come from a repo, at a commit that its main had, for production or everywhere; or free again. */
function pinned(
  apps: readonly SimApp[],
  event: { readonly app: number; readonly value: number },
  of: EditContext,
): readonly SimApp[] {
  const sourced = apps.filter(({ repo }) => of.repos.includes(repo));
  const chosen = sourced[event.app % Math.max(1, sourced.length)];
  if (chosen === undefined) return apps;
  const commit = of.mains(chosen.repo).at(-1 - (event.value >> 1));
  const pin: SimApp['pin'] =
    commit === undefined || event.value >= 5 ? null : { commit, of: event.value % 2 === 0 ? 'prod' : 'all' };
  return apps.map((app) => (app === chosen ? { ...app, pin } : app));
}

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
    pin: null,
    stage: event.app % 3 !== 0,
    previews: event.app !== 6,
    strategy: STRATEGIES[event.app % 4] ?? 'blue_green',
    idle: FIRST_IDLES[event.app % 4] ?? null,
  };
  return { id, path, spec, repo, folder: `apps/${event.folder}`, ...of };
}
