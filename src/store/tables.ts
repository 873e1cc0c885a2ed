import type { Generated } from 'kysely';
import { canonicalJson } from '../model/canonical.ts';
import type { AppId, EnvName } from '../model/ids.ts';
import type {
  RecordedArtifact,
  RecordedConfig,
  RecordedDeployment,
  RecordedEnvironment,
  RecordedInstance,
  RecordedRelease,
  RecordedSource,
  RetainedData,
} from '../model/recorded.ts';
import type { RouteRow } from '../model/routing.ts';
import type { RepoState } from '../model/source.ts';

/** A value that a column can hold. */
export type ColumnValue = string | number | null;
/** A row as the database has it. */
export type Columns = Readonly<Record<string, ColumnValue>>;

/** The columns of each table, for the query builder. Column types are as STRICT tables give them. */
export interface Schema {
  meta: { key: string; value: string };
  audit: {
    id: Generated<number>;
    at: string;
    kind: string;
    env: string | null;
    app: string | null;
    cause: string;
    detail: string;
    prev: string;
    hash: string;
  };
  [table: string]: Record<string, unknown>;
}

/** How one kind of row goes into its table and comes out again. */
export interface Table<Row> {
  readonly name: string;
  readonly key: readonly string[];
  toColumns(row: Row): Columns;
  fromColumns(columns: Columns): Row;
}

/** JSON of a column, or null. */
function json(value: unknown): string | null {
  return value === null || value === undefined ? null : canonicalJson(value);
}

// biome-ignore lint/suspicious/noExplicitAny: columns hold what `json` wrote; the table's row type says what that is
function parse(value: ColumnValue | undefined): any {
  return typeof value === 'string' ? JSON.parse(value) : null;
}

/**
 * A table whose columns carry the fields of the row under the same names in snake case; fields named in `jsonFields` are
 * written as JSON, those in `flags` as 0 and 1.
 */
function table<Row extends object>(
  name: string,
  key: readonly (keyof Row & string)[],
  fields: readonly (keyof Row & string)[],
  options: {
    jsonFields?: readonly (keyof Row & string)[];
    flags?: readonly (keyof Row & string)[];
    fixed?: Columns;
  } = {},
): Table<Row> {
  const snake = (field: string) => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const kinds = fields.map((field) => ({
    field,
    column: snake(field),
    kind: options.jsonFields?.includes(field) ? 'json' : options.flags?.includes(field) ? 'flag' : 'plain',
  }));
  return {
    name,
    key: key.length > 0 ? key.map(snake) : Object.keys(options.fixed ?? {}),
    toColumns(row) {
      const columns: Record<string, ColumnValue> = { ...options.fixed };
      for (const { field, column, kind } of kinds) {
        const value = row[field] as unknown;
        columns[column] = kind === 'json' ? json(value) : kind === 'flag' ? Number(value) : (value as ColumnValue);
      }
      return columns;
    },
    fromColumns(columns) {
      const row: Record<string, unknown> = {};
      for (const { field, column, kind } of kinds) {
        const value = columns[column] ?? null;
        row[field] = kind === 'json' ? parse(value) : kind === 'flag' ? value === 1 : value;
      }
      return row as Row;
    },
  };
}

/** Every table whose rows are changed by `ChangeSet`s; the log has its own way in. */
export const TABLES = {
  config: table<RecordedConfig>(
    'config',
    [],
    ['seen', 'seenAt', 'seenCause', 'accepted', 'acceptedCause', 'planned', 'errors'],
    {
      jsonFields: ['seenCause', 'acceptedCause', 'errors'],
      fixed: { id: 1 },
    },
  ),
  repo: table<RepoState>('repos', ['repo'], ['repo', 'listing', 'error', 'baseline', 'movedAt'], {
    jsonFields: ['listing', 'error', 'baseline', 'movedAt'],
  }),
  source: table<RecordedSource>('sources', ['key'], ['key', 'repo', 'resolved', 'problem'], {
    jsonFields: ['resolved', 'problem'],
  }),
  environment: table<RecordedEnvironment>(
    'environments',
    ['name'],
    [
      ...(['name', 'kind', 'identity', 'parked', 'cause', 'heads', 'goodConfig', 'errors'] as const),
      ...(['createdAt', 'activeAt', 'endingSince'] as const),
    ],
    { jsonFields: ['cause', 'heads', 'errors'] },
  ),
  deployment: table<RecordedDeployment>(
    'deployments',
    ['env', 'app'],
    ['env', 'app', 'dataName', 'dataEngine', 'kept', 'live', 'next'],
    {
      jsonFields: ['kept', 'live', 'next'],
    },
  ),
  artifact: table<RecordedArtifact>(
    'artifacts',
    ['key'],
    ['key', 'inputs', 'source', 'state', 'digest', 'problem', 'attempts', 'retryAt', 'usedAt'],
    { jsonFields: ['inputs', 'source', 'problem'] },
  ),
  instance: table<RecordedInstance>(
    'instances',
    ['id'],
    [
      'id',
      'env',
      'app',
      'target',
      'generation',
      'state',
      'route',
      'problem',
      'attempts',
      'startedAt',
      'retryAt',
      'drainUntil',
      'idleSince',
    ],
    { jsonFields: ['target', 'route', 'problem'] },
  ),
  release: table<RecordedRelease>('releases', ['id'], ['id', 'env', 'state', 'removalHash', 'cause', 'since'], {
    jsonFields: ['cause'],
  }),
  retained: table<RetainedData>('retained', ['dataName'], ['dataName', 'env', 'app', 'engine', 'until', 'state']),
  route: table<RouteRow>('routes', ['host', 'path'], ['host', 'path', 'generation', 'env', 'app', 'serve', 'vacancy'], {
    jsonFields: ['serve', 'vacancy'],
  }),
} as const;

/** The name of a table in changes. */
export type TableName = keyof typeof TABLES;
/** The row type of a table. */
export type RowOf<T extends TableName> = (typeof TABLES)[T] extends Table<infer Row> ? Row : never;

/** The key of a deployment in maps: environment and app. */
export function deploymentKey(of: { readonly env: EnvName; readonly app: AppId }): string {
  return `${of.env} ${of.app}`;
}
