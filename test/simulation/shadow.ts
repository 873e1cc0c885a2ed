import { isSameJson } from '../../src/model/canonical.ts';
import type {
  RecordedArtifact,
  RecordedDeployment,
  RecordedEnvironment,
  RecordedInstance,
  RecordedSource,
  RetainedData,
} from '../../src/model/recorded.ts';
import type { RepoState } from '../../src/model/source.ts';
import type { Change } from '../../src/store/changes.ts';
import type { RecordedView } from '../../src/store/recorded.ts';

const TABLES = [
  'repos',
  'sources',
  'environments',
  'deployments',
  'artifacts',
  'instances',
  'releases',
  'retained',
  'routes',
] as const;

/** What is recorded as of the last transaction, put together by the judge itself from the changes it was told of. */
export class Shadow {
  /** The newest commit of the config repo that was looked at. */
  seen: string | null = null;
  readonly repos = new Map<string, RepoState>();
  readonly sources = new Map<string, RecordedSource>();
  readonly environments = new Map<string, RecordedEnvironment>();
  readonly deployments = new Map<string, RecordedDeployment>();
  readonly artifacts = new Map<string, RecordedArtifact>();
  readonly instances = new Map<string, RecordedInstance>();
  readonly releases = new Map<string, unknown>();
  readonly retained = new Map<string, RetainedData>();
  readonly routes = new Map<string, unknown>();

  apply(changes: readonly Change[]): void {
    for (const change of changes) {
      if ('audit' in change) continue;
      const isPut = 'put' in change;
      if (isPut && change.put === 'config') this.seen = change.row.seen;
      const place = placeOf(change);
      if (place === null) continue;
      const table = this[place.table] as Map<string, unknown>;
      if (isPut) table.set(place.key, change.row);
      else table.delete(place.key);
    }
  }

  /** Takes what is recorded as it is. */
  load(recorded: RecordedView): void {
    this.seen = recorded.config.seen;
    for (const name of TABLES) {
      const table = this[name] as Map<string, unknown>;
      table.clear();
      for (const [key, row] of recorded[name]) table.set(key, row);
    }
  }

  /** Where what is recorded is something else. */
  differences(recorded: RecordedView): string[] {
    return TABLES.flatMap((name) => mapDifferences(name, this[name], recorded[name]));
  }
}

/** Where two tables differ, by key. */
export function mapDifferences(
  name: string,
  a: ReadonlyMap<string, unknown>,
  b: ReadonlyMap<string, unknown>,
): string[] {
  const keys = new Set([...a.keys(), ...b.keys()]);
  return [...keys].flatMap((key) => {
    const [one, other] = [a.get(key), b.get(key)];
    if (one === undefined || other === undefined)
      return [`${name} "${key}" ${one === undefined ? 'is new' : 'is gone'}`];
    return isSameJson(one, other) ? [] : [`${name} "${key}" differs`];
  });
}

function placeOf(change: Exclude<Change, { audit: unknown }>): { table: (typeof TABLES)[number]; key: string } | null {
  const name = 'put' in change ? change.put : change.drop;
  const row = change.row as unknown as Readonly<Record<string, string>>;
  const key = (field: string) => row[field] ?? '';
  switch (name) {
    case 'repo':
      return { table: 'repos', key: key('repo') };
    case 'source':
      return { table: 'sources', key: key('key') };
    case 'environment':
      return { table: 'environments', key: key('name') };
    case 'deployment':
      return { table: 'deployments', key: `${key('env')} ${key('app')}` };
    case 'artifact':
      return { table: 'artifacts', key: key('key') };
    case 'instance':
      return { table: 'instances', key: key('id') };
    case 'release':
      return { table: 'releases', key: key('id') };
    case 'retained':
      return { table: 'retained', key: key('dataName') };
    case 'route':
      return { table: 'routes', key: `${key('host')} ${key('path')}` };
    default:
      return null;
  }
}
