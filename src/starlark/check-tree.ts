import { formatRoute, prodHost, type Route } from '../model/route.ts';
import type { CheckedApp } from './check-app.ts';
import type { CheckedPolicy } from './check-policies.ts';
import { type ConfigFile, foldersOf, missingFolders } from './config-tree.ts';
import { errorAt, type LocatedError, type Spot } from './located-error.ts';
import { nearestName } from './nearest.ts';
import type { Outcome } from './outcome.ts';

/** Hosts that the settings decide about. */
export interface Hosts {
  readonly domain: string;
  /** Below it lie the environments other than prod. */
  readonly envDomain: string;
  readonly statusHost: string;
}

/** What no file can know by itself: routes, ids and hosts that get into each other's way, folders that are not there, policies said twice. */
export function checkTree(
  outcomes: readonly Outcome[],
  hosts: Hosts,
  files: readonly ConfigFile[],
): readonly LocatedError[] {
  const apps = outcomes.flatMap((outcome) => outcome.apps);
  return [
    ...checkRoutes(apps, hosts),
    ...checkIds(apps),
    ...checkFolders(apps, files),
    ...checkOnce(
      'previews()',
      outcomes.flatMap((outcome) => outcome.previews),
    ),
    ...checkOnce(
      'release()',
      outcomes.flatMap((outcome) => outcome.releases),
    ),
  ];
}

interface Placed {
  readonly at: Spot;
  readonly trail: string;
}

interface Routed {
  readonly app: CheckedApp;
  readonly route: Route;
}

function checkRoutes(apps: readonly CheckedApp[], hosts: Hosts): readonly LocatedError[] {
  const errors: LocatedError[] = [];
  const byHost = new Map<string, Map<string, Routed>>();
  for (const app of apps) {
    if (app.route === null) continue;
    const routed = { app, route: app.route };
    const host = prodHost(app.route, hosts.domain);
    errors.push(...reservedHost(routed, host, hosts));
    const paths = byHost.get(host) ?? new Map<string, Routed>();
    byHost.set(host, paths);
    const first = paths.get(app.route.path);
    if (first === undefined) paths.set(app.route.path, routed);
    else errors.push(sameRoute(routed, first, host));
  }
  for (const paths of byHost.values()) errors.push(...nestedRoutes(paths));
  return errors;
}

function reservedHost(routed: Routed, host: string, { envDomain, statusHost }: Hosts): readonly LocatedError[] {
  if (host === statusHost)
    return [
      pathError(routed, `host "${host}" is where the status pages live`, 'The settings can move them: [status] host.'),
    ];
  if (host !== envDomain && !host.endsWith(`.${envDomain}`)) return [];
  return [
    pathError(
      routed,
      `host "${host}" lies in the zone of the environments, "${envDomain}"`,
      'Stages and previews live there; the settings can move the zone: env_domain.',
    ),
  ];
}

function sameRoute(second: Routed, first: Routed, host: string): LocatedError {
  const same = formatRoute(first.route) === formatRoute(second.route);
  const how = same ? 'the same route is' : `the same address, ${host}${first.route.path}, is`;
  return pathError(second, `${how} declared at ${place(first.app, second.app)}`, 'Every app needs a route of its own.');
}

function nestedRoutes(paths: ReadonlyMap<string, Routed>): readonly LocatedError[] {
  const errors: LocatedError[] = [];
  for (const routed of paths.values()) {
    const outer = outerApp(routed.route.path, paths);
    if (outer === undefined) continue;
    const [later, earlier, how] = isLater(routed.app, outer.app)
      ? [routed, outer, 'lies below']
      : [outer, routed, 'lies above'];
    const message = `${how} app "${formatRoute(earlier.route)}", declared at ${place(earlier.app, later.app)}`;
    errors.push(pathError(later, message, 'Apps do not nest; only an app at "/" may have others beside it.'));
  }
  return errors;
}

/** The app that a path lies below; the root does not count, because it only takes what no other app does. */
function outerApp(path: string, paths: ReadonlyMap<string, Routed>): Routed | undefined {
  for (let slash = path.indexOf('/', 1); slash > 0; slash = path.indexOf('/', slash + 1)) {
    const outer = paths.get(path.slice(0, slash));
    if (outer !== undefined) return outer;
  }
  return undefined;
}

function isLater(a: CheckedApp, b: CheckedApp): boolean {
  if (a.at.file !== b.at.file) return a.at.file > b.at.file;
  return a.at.line >= b.at.line;
}

function checkIds(apps: readonly CheckedApp[]): readonly LocatedError[] {
  const errors: LocatedError[] = [];
  const byId = new Map<string, CheckedApp>();
  for (const app of apps) {
    if (app.id === null) continue;
    const first = byId.get(app.id);
    if (first === undefined) byId.set(app.id, app);
    else
      errors.push(
        appError(
          app,
          app.at,
          `id: "${app.id}" is also the id of ${nameOf(first)}, declared at ${place(first, app)}`,
          'Every app needs an id of its own.',
        ),
      );
  }
  return errors;
}

function checkFolders(apps: readonly CheckedApp[], files: readonly ConfigFile[]): readonly LocatedError[] {
  const wanted = new Set(apps.flatMap((app) => (app.folder === null ? [] : [app.folder])));
  const missing = missingFolders(wanted, files);
  if (missing.size === 0) return [];
  const folders = foldersOf(files);
  return apps.flatMap((app) => {
    const fault = app.folder === null ? undefined : missing.get(app.folder);
    if (app.folder === null || fault === undefined) return [];
    const nearest = nearestName(app.folder, folders);
    const hint =
      nearest === undefined ? 'Folders are named from the root of the config repo.' : `Did you mean "./${nearest}"?`;
    return [
      {
        ...appError(app, app.sourceAt, `source: "./${app.folder}" ${fault}`, hint),
        code: 'config-source-missing' as const,
      },
    ];
  });
}

function checkOnce(what: string, calls: readonly CheckedPolicy<unknown>[]): readonly LocatedError[] {
  const [first, ...others] = calls;
  if (first === undefined) return [];
  return others.map((call) =>
    errorAt(
      call.at,
      `${what}: holds for the whole repo and is called once; the first call is at ${place(first, call)}`,
      {
        hint: call.trail,
      },
    ),
  );
}

function pathError({ app }: Routed, message: string, hint: string): LocatedError {
  return appError(app, app.at, `path: ${message}`, hint);
}

function appError(app: CheckedApp, at: Spot, message: string, hint: string): LocatedError {
  return errorAt(at, `${nameOf(app)}: ${message}`, { hint: [hint, app.trail].filter((part) => part !== '').join(' ') });
}

function nameOf(app: CheckedApp): string {
  return app.route === null ? 'app()' : `app "${formatRoute(app.route)}"`;
}

/** Where a call stands; for two calls of one line, how the first one came about. */
function place(first: Placed, second: Placed): string {
  const sameLine = first.at.file === second.at.file && first.at.line === second.at.line;
  const how = sameLine && first.trail !== '' ? ` (${first.trail.slice(0, -1).replace(/^C/, 'c')})` : '';
  return `${first.at.file}:${first.at.line}${how}`;
}
