import { DURATION_FORM, parseDurationMs, parseSizeBytes, SIZE_FORM } from '../../../model/duration.ts';
import { MainspringError } from '../../../model/errors.ts';
import type { Json, JsonObject } from '../../../model/json.ts';
import type { DockerSettings } from '../../../model/settings.ts';

/** What a container may use and do, defaults filled in. */
export interface ContainerOptions {
  readonly memoryBytes: number;
  readonly cpus: number;
  readonly pids: number;
  readonly nofile: number;
  /** Null: as the image says. */
  readonly port: number | null;
  readonly readOnly: boolean;
  readonly capAdd: readonly string[];
  /** Null: as the image says. */
  readonly user: string | null;
  readonly shmBytes: number | null;
  readonly init: boolean;
  /** Null: as the image says. */
  readonly stopSignal: string | null;
  /** How long the app may take to end; null: as whoever stops it says. */
  readonly stopGraceMs: number | null;
}

/** Capabilities that every container has: those that images need to give up root and to write their own files. All others are dropped. */
export const KEPT_CAPABILITIES: readonly string[] = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'KILL',
  'NET_BIND_SERVICE',
  'SETGID',
  'SETUID',
];

// As every engine allows, also one that runs without root.
const DEFAULT_NOFILE = 4_096;
// Whoever stops it waits for half a minute.
const LONGEST_GRACE_MS = 25_000;

/** Reads `container_opts`; what a spec does not document never gets here, and what a later version adds is left alone. */
export function parseContainerOptions(
  given: JsonObject,
  { limits, capabilities }: Pick<DockerSettings, 'limits' | 'capabilities'>,
): ContainerOptions {
  const read = reader(given);
  const grace = read('stop_grace', durationOf);
  return {
    memoryBytes: read('memory', atLeast(sizeOf, 6 * 1024 ** 2, '"6m"')) ?? limits.memoryBytes,
    cpus: read('cpus', numberFrom(0.01, false)) ?? limits.cpus,
    pids: read('pids', numberFrom(1, true)) ?? limits.pids,
    nofile: read('nofile', numberFrom(16, true)) ?? DEFAULT_NOFILE,
    port: read('port', portOf),
    readOnly: read('read_only', flagOf) ?? false,
    capAdd: (read('cap_add', textsOf) ?? []).map((name) => allowedCapability(name, capabilities)),
    user: read(
      'user',
      textOf(/^[A-Za-z0-9_][A-Za-z0-9_.-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?$/, 'a user such as "app" or "1000:1000"'),
    ),
    shmBytes: read('shm_size', sizeOf),
    init: read('init', flagOf) ?? true,
    stopSignal: read('stop_signal', textOf(/^(SIG[A-Z0-9+-]{2,12}|\d{1,2})$/, 'a signal such as "SIGINT"')),
    stopGraceMs: grace === null ? null : Math.min(grace, LONGEST_GRACE_MS),
  };
}

/** What a value is read by: undefined or a text of what was expected where it is not right. */
type Read<T> = (value: Json) => { readonly is: T } | { readonly expected: string };

function reader(given: JsonObject) {
  return <T>(name: string, read: Read<T>): T | null => {
    const value = given[name];
    if (value === undefined || value === null) return null;
    const found = read(value);
    if ('is' in found) return found.is;
    throw new MainspringError(
      'start-failed',
      `container_opts "${name}": expected ${found.expected}, got ${JSON.stringify(value)}`,
      { retry: 'needs-human' },
    );
  };
}

const flagOf: Read<boolean> = (value) => (typeof value === 'boolean' ? { is: value } : { expected: 'True or False' });

const sizeOf: Read<number> = (value) => {
  const bytes = typeof value === 'number' ? value : parseSizeBytes(String(value));
  return typeof bytes === 'number' && bytes > 0 ? { is: bytes } : { expected: SIZE_FORM };
};

const durationOf: Read<number> = (value) => {
  const ms = typeof value === 'string' ? parseDurationMs(value) : undefined;
  return ms === undefined ? { expected: DURATION_FORM } : { is: ms };
};

const portOf: Read<number> = (value) =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65_535
    ? { is: value }
    : { expected: 'a port from 1 to 65535' };

const textsOf: Read<readonly string[]> = (value) =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')
    ? { is: value as readonly string[] }
    : { expected: 'a list of texts' };

function textOf(form: RegExp, expected: string): Read<string> {
  return (value) => (form.test(String(value)) ? { is: String(value) } : { expected });
}

function numberFrom(min: number, whole: boolean): Read<number> {
  return (value) =>
    typeof value === 'number' && value >= min && (!whole || Number.isInteger(value))
      ? { is: value }
      : { expected: `a ${whole ? 'whole ' : ''}number of at least ${min}` };
}

function atLeast(read: Read<number>, least: number, words: string): Read<number> {
  return (value) => {
    const found = read(value);
    return 'is' in found && found.is < least ? { expected: `at least ${words}` } : found;
  };
}

function allowedCapability(name: string, allowed: readonly string[]): string {
  const plain = name.toUpperCase().replace(/^CAP_/, '');
  if (KEPT_CAPABILITIES.includes(plain) || allowed.includes(plain)) return plain;
  throw new MainspringError('start-failed', `container_opts "cap_add": "${name}" is not allowed here`, {
    hint:
      allowed.length === 0 ? 'Name it in [docker] capabilities in mainspring.toml.' : `Allowed: ${allowed.join(', ')}.`,
    retry: 'needs-human',
  });
}
