import { parseSizeBytes, SIZE_FORM } from '../../model/duration.ts';
import { MainspringError } from '../../model/errors.ts';
import type { Json, JsonObject } from '../../model/json.ts';

/** What a process app may use; null: no limit. */
export interface Limits {
  readonly memoryBytes: number | null;
  readonly cpus: number | null;
  readonly pids: number | null;
  readonly nofile: number | null;
}

/** Who sees to a limit: a cgroup, we by looking once a second, or nobody. */
export type Enforcer = 'cgroup v1' | 'cgroup v2' | 'watched' | 'not enforced';

/** By whom each limit that was asked for is enforced. */
export interface Enforcement {
  readonly memory?: Enforcer;
  readonly cpus?: Enforcer;
  readonly pids?: Enforcer;
}

/** Reads `memory`, `cpus`, `pids` and `nofile` of `container_opts`; what a later version adds is left alone. */
export function parseLimits(containerOpts: JsonObject): Limits {
  const { memory, cpus, pids, nofile } = containerOpts;
  return {
    memoryBytes: memory === undefined ? null : sizeOf(memory),
    cpus: cpus === undefined ? null : numberOf('cpus', cpus, { min: 0.01, whole: false }),
    pids: pids === undefined ? null : numberOf('pids', pids, { min: 1, whole: true }),
    nofile: nofile === undefined ? null : numberOf('nofile', nofile, { min: 16, whole: true }),
  };
}

/** A size as a person writes it, in the largest unit that loses nothing. */
export function formatSize(bytes: number): string {
  for (const [unit, size] of [
    ['g', 1024 ** 3],
    ['m', 1024 ** 2],
    ['k', 1024],
  ] as const) {
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return String(bytes);
}

/** One line for the app's log that says which limits hold and by whom; null if there are none. */
export function describeLimits(limits: Limits, by: Enforcement): string | null {
  const parts = [
    limits.memoryBytes === null ? null : `memory ${formatSize(limits.memoryBytes)} (${by.memory})`,
    limits.cpus === null ? null : `cpus ${limits.cpus} (${by.cpus})`,
    limits.pids === null ? null : `pids ${limits.pids} (${by.pids})`,
    limits.nofile === null ? null : `nofile ${limits.nofile} (rlimit)`,
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : `limits: ${parts.join(', ')}`;
}

function sizeOf(value: Json): number {
  const bytes = typeof value === 'number' ? value : parseSizeBytes(String(value));
  if (typeof bytes === 'number' && bytes > 0) return bytes;
  throw refused('memory', SIZE_FORM, value);
}

function numberOf(name: string, value: Json, rule: { readonly min: number; readonly whole: boolean }): number {
  const number = Number(value);
  if (typeof value === 'number' && number >= rule.min && (!rule.whole || Number.isInteger(number))) return number;
  throw refused(name, `a ${rule.whole ? 'whole ' : ''}number of at least ${rule.min}`, value);
}

function refused(name: string, expected: string, value: Json): MainspringError {
  return new MainspringError(
    'start-failed',
    `container_opts "${name}": expected ${expected}, got ${JSON.stringify(value)}`,
  );
}
