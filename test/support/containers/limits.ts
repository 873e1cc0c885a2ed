import { readFileSync } from 'node:fs';

const most = 65_536;

/** A limit of a container, as the engine's API takes it. */
interface Ulimit {
  readonly Name: string;
  readonly Soft: number;
  readonly Hard: number;
}

/**
 * Limits for containers that tests start by the API. Without any Podman asks for more open files and processes than
 * some machines grant even to root, and then starts nothing.
 */
export function grantableLimits(): Ulimit[] {
  const files = hardLimit('Max open files');
  const processes = hardLimit('Max processes');
  return [
    { Name: 'nofile', Soft: Math.min(1024, files), Hard: files },
    { Name: 'nproc', Soft: processes, Hard: processes },
  ];
}

/** What this process may have at most; bounded where there is no limit. */
function hardLimit(name: string): number {
  const lines = readFileSync('/proc/self/limits', 'utf8').split('\n');
  const line = lines.find((text) => text.startsWith(name)) ?? '';
  const hard = Number(line.slice(name.length).trim().split(/\s+/)[1]);
  return Number.isFinite(hard) ? Math.min(hard, most) : most;
}
