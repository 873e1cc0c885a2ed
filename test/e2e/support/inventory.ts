import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import Database from 'better-sqlite3';
import { canonicalJson } from '../../../src/model/canonical.ts';
import type { Json } from '../../../src/model/json.ts';
import type { Installation } from './installation.ts';
import type { FoundProcess } from './process-scan.ts';

/** All that an installation is: what runs, what lies on disk, what is recorded, what a client gets. Names are those of any installation with the same history. */
export interface Inventory {
  readonly processes: readonly string[];
  readonly folders: readonly string[];
  readonly rows: readonly string[];
  readonly answers: readonly string[];
}

/** Columns and members that say when, which time, or how often: what two runs of one history may differ in. */
const NOT_COMPARED = new Set([
  ...['generation', 'since', 'seen_at', 'seenAt', 'used_at', 'started_at', 'until', 'created_at', 'asOf', 'deadline'],
  ...['active_at', 'moved_at', 'ending_since', 'retry_at', 'retryAt', 'drain_until', 'attempts', 'failedInstance'],
]);
/** Which of two pushes was seen first decides which of them a target names; what it runs, and from which source commit, does not depend on it. */
const WHICH_PUSH = new Set(['cause', 'causes', 'configCommit']);
/** Why something failed verification can differ with what was killed meanwhile; that it did, and what runs instead, can't. */
const REASONS = new Set(['reason', 'problem']);

/** Each answer of a gateway itself names its request. */
const REQUEST_NAME = /,"request":"\w+"/;

/** Takes an inventory as of now; a path of another host is `//HOST/PATH`. Nothing is held still meanwhile: two that are equal to a third one are worth more than one. */
export async function takeInventory(installation: Installation, paths: readonly string[]): Promise<Inventory> {
  const tables = readTables(installation);
  const names = namesIn(installation, tables);
  const rows = rowLines(tables, names);
  const answers = await Promise.all(
    paths.map(async (path) => {
      const { status, body } = await installation.getAt(path);
      return `${path} ${status} ${names(body.trim().replace(REQUEST_NAME, ''))}`;
    }),
  );
  return {
    processes: processLines(installation.processes(), names).sort(),
    folders: [
      ...filesBelow(installation, 'data', names),
      ...filesBelow(installation, 'tmp', names),
      ...cgroupLines(installation, names),
    ].sort(),
    rows,
    answers,
  };
}

function rowLines(tables: readonly [string, Row[]][], names: (text: string) => string): string[] {
  const lines = tables.flatMap(([table, all]) =>
    all.map((row) => `${table} ${canonicalJson(plain(comparable(table, row), names))}`),
  );
  return lines.sort();
}

type Row = Record<string, Json>;

/** All rows of all tables but the log. */
export function readTables(installation: Installation): [string, Row[]][] {
  const tables = new OpenTables(installation);
  try {
    return tables.read();
  } finally {
    tables.close();
  }
}

/** What is recorded, kept open for whoever looks at it again and again. */
export class OpenTables {
  readonly #installation: Installation;
  readonly #db: Database.Database;

  constructor(installation: Installation) {
    this.#installation = installation;
    this.#db = new Database(join(installation.data, 'mainspring.db'), { readonly: true });
  }

  /** A number that differs once the daemon has written anything: SQLite's `data_version`. */
  get version(): number {
    return this.#db.pragma('data_version', { simple: true }) as number;
  }

  /** All rows of all tables but the log. */
  read(): [string, Row[]][] {
    const tables = this.#db
      .prepare<[], { name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
      .all();
    return tables
      .filter(({ name }) => name !== 'audit')
      .map(({ name }) => [name, this.#db.prepare<[], Row>(`SELECT * FROM "${name}"`).all()]);
  }

  /** The part of an inventory that costs least, and that says first that something still moves. */
  rows(): readonly string[] {
    const tables = this.read();
    return rowLines(tables, namesIn(this.#installation, tables));
  }

  close(): void {
    this.#db.close();
  }
}

/** Says what every installation has in its own words: its folder, its ids, its commits, its ports. */
function namesIn(installation: Installation, tables: readonly [string, Row[]][]): (text: string) => string {
  const instances = new Map(
    tables.flatMap(([table, rows]) =>
      table === 'instances' ? rows.map(({ id, app }) => [String(id), String(app)] as const) : [],
    ),
  );
  const id = installation.installationId ?? '';
  return (text) =>
    text
      .replaceAll(installation.root, 'ROOT')
      .replaceAll(id, 'INSTALLATION')
      .replace(/\b[0-9a-f]{40}\b/g, (commit) => installation.commits.get(commit) ?? commit)
      .replace(/\bi[0-9a-f]{19}\b/g, (instance) => `INSTANCE-OF-${instances.get(instance) ?? 'NOBODY'}`)
      // Of the commits that it came from, which are never the same.
      .replace(/\br[0-9a-f]{11}\b/g, 'RELEASE')
      .replace(/\b(localhost|127\.0\.0\.1):\d+/g, '$1:PORT');
}

/** A row without what depends on where and when its history is played. */
function comparable(table: string, row: Row): Row {
  // A hash of a file in which paths of this installation stand; what it says is compared.
  if (table === 'evaluations') return { ...row, key: 'SOME' };
  // What failed verification may have been killed before its time was over.
  if (table === 'instances' && row.state === 'stopped') return { ...row, problem: null };
  return row;
}

/** A row without what is not compared, JSON in columns read as what it says. */
function plain(value: Json, names: (text: string) => string): Json {
  if (typeof value === 'string') {
    if (!/^[[{]/.test(value)) return names(value);
    try {
      return plain(JSON.parse(value) as Json, names);
    } catch {
      return names(value);
    }
  }
  if (Array.isArray(value)) return value.map((item) => plain(item, names));
  if (typeof value !== 'object' || value === null) return value;
  const of = value as Row;
  const isMeta = of.key === 'generation' || of.key === 'looked_at';
  const entries = Object.entries(of).filter(([name]) => !NOT_COMPARED.has(name) && !(isMeta && name === 'value'));
  return Object.fromEntries(
    entries.map(([name, item]) => [
      names(name),
      (REASONS.has(name) || WHICH_PUSH.has(name)) && item !== null ? 'SOME' : plain(item, names),
    ]),
  );
}

/** The controller's own children that read git for it belong to it; those whose controller is gone do not. */
function processLines(found: readonly FoundProcess[], names: (text: string) => string): string[] {
  const controllers = new Set(found.filter(({ args }) => args.includes('__controller')).map(({ pid }) => pid));
  return found.flatMap(({ parent, args, environment }) => {
    const app = environment.get('MAINSPRING_APP');
    if (app !== undefined) return `app ${app}: ${names(args.join(' '))}`;
    const role = ['__controller', '__gateway', 'serve'].find((name) => args.includes(name));
    if (role !== undefined) return role;
    return controllers.has(parent) ? [] : `stray: ${names(args.join(' '))}`;
  });
}

/** Where a controller makes its builds, once it has any to make: what is in it counts. */
const BUILDS_IN = 'data/process/work';

/** Paths with what they hold where that is content; what the daemon keeps open of its database comes and goes. */
function filesBelow(installation: Installation, folder: string, names: (text: string) => string): string[] {
  const top = join(installation.root, folder);
  const lines: string[] = [];
  const walk = (dir: string) => {
    for (const item of readdirSync(dir, { withFileTypes: true })) {
      const path = join(dir, item.name);
      const name = names(relative(installation.root, path));
      if (/mainspring\.db-(wal|shm)$/.test(name)) continue;
      if (name !== BUILDS_IN) lines.push(`${gatewayName(name)}${contentOf(path, name)}`);
      if (item.isDirectory()) walk(path);
    }
  };
  walk(top);
  return lines;
}

function gatewayName(name: string): string {
  return name.replace(/run\/gateways\/\d+\./, 'run/gateways/PID.');
}

function contentOf(path: string, name: string): string {
  const info = lstatSync(path);
  if (info.isSymbolicLink()) return ` -> ${readlinkSync(path)}`;
  if (info.isDirectory()) return '/';
  if (!/^data\/(trees|process\/(artifacts|data))\/.*\/(tree|prod)\//.test(name)) return '';
  return ` ${createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 12)}`;
}

function cgroupLines(installation: Installation, names: (text: string) => string): string[] {
  return installation.cgroups().flatMap((folder) =>
    readdirSync(folder, { withFileTypes: true })
      .filter((item) => item.isDirectory())
      .map((item) => `cgroup ${names(item.name)}`),
  );
}

/** What one inventory has and the other has not, a line each, shown from where a line leaves its nearest relative. */
export function differences(actual: Inventory, expected: Inventory): string[] {
  return (['processes', 'folders', 'rows', 'answers'] as const).flatMap((part) => {
    const extra = without(actual[part], expected[part]);
    const missing = without(expected[part], actual[part]);
    return [
      ...extra.map((line) => `+ ${part}: ${fromFork(line, missing)}`),
      ...missing.map((line) => `- ${part}: ${fromFork(line, extra)}`),
    ];
  });
}

function without(lines: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return lines.filter((line) => {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

function fromFork(line: string, relatives: readonly string[]): string {
  const common = (other: string) => {
    let at = 0;
    while (at < line.length && line[at] === other[at]) at += 1;
    return at;
  };
  const fork = Math.max(0, ...relatives.map(common));
  return line.length < 200 ? line : `${line.slice(0, 60)} … ${line.slice(Math.max(0, fork - 60), fork + 100)}`;
}
