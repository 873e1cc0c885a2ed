import { existsSync, readFileSync, rmdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseCgroupPaths } from '../cgroup-paths.ts';
import type { Enforcement, Limits } from './limits.ts';

/** Folders of the cgroup file system below which we may make our own. */
export interface CgroupParents {
  /** By controller; version 1 has a tree for each. */
  readonly v1: { readonly memory?: string; readonly cpu?: string; readonly pids?: string };
  readonly v2: string | null;
}

/** The cgroups of one instance. */
export interface Placement {
  readonly dirs: readonly string[];
  readonly enforcement: Enforcement;
}

/** No cgroups may be made here. */
export const NO_PARENTS: CgroupParents = { v1: {}, v2: null };

const CPU_PERIOD_US = 100_000;

/** Where this process may make cgroups, as far as the kernel's own files tell: below its own. */
export function findParents(proc = '/proc'): CgroupParents {
  try {
    return parseParents(readFileSync(`${proc}/self/mountinfo`, 'utf8'), readFileSync(`${proc}/self/cgroup`, 'utf8'));
  } catch {
    return NO_PARENTS;
  }
}

/** Pure part of `findParents`. A container may see only a part of the tree: a mount's root is then some way down. */
export function parseParents(mountinfo: string, selfCgroup: string): CgroupParents {
  const own = parseCgroupPaths(selfCgroup);
  const v1: Record<string, string> = {};
  let v2: string | null = null;
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root = '/', mount = ''] = before.split(' ');
    const [type, , options = ''] = after.split(' ');
    const dirOf = (path: string | null | undefined) => join(mount, relative(root, path ?? root));
    if (type === 'cgroup2') v2 = dirOf(own.v2);
    if (type !== 'cgroup') continue;
    for (const name of ['memory', 'cpu', 'pids'])
      if (options.split(',').includes(name)) v1[name] = dirOf(own.v1.get(name));
  }
  return { v1, v2 };
}

/** Names an instance's cgroups: one for the installation, in it one for the instance. */
export type CgroupNames = readonly [installation: string, instance: string];

/** Where the cgroups of an instance are if they are there, whoever made them. */
export function cgroupDirs(parents: CgroupParents, names: CgroupNames): string[] {
  return [...new Set(Object.values(dirsOf(parents, names)))];
}

/**
 * Makes the cgroups of one instance and sets its limits, as far as that is allowed; what is not is left to the watch. Without
 * limits there is one all the same, as it finds children that hide from everything else. Twice is fine.
 */
export async function makeCgroups(parents: CgroupParents, names: CgroupNames, limits: Limits): Promise<Placement> {
  const isV1 = isVersion1(parents);
  const version = isV1 ? 'cgroup v1' : 'cgroup v2';
  const settings = settingsOf(limits)[isV1 ? 'v1' : 'v2'];
  const asked = { memory: limits.memoryBytes !== null, cpus: limits.cpus !== null, pids: limits.pids !== null };
  const wanted = Object.entries(dirsOf(parents, names)).filter(([of]) => of === 'pids' || asked[of as Controller]);
  if (!isV1 && parents.v2 !== null && wanted.length > 0) await delegate(parents.v2, names);
  const made = new Map<string, string>();
  for (const [of, dir] of wanted) if (await succeeds(mkdir(dir, { recursive: true }))) made.set(of, dir);
  const enforced = async (of: Controller) => {
    const dir = made.get(of);
    return dir !== undefined && (await writeAll(dir, settings[of])) ? version : undefined;
  };
  const enforcement: Enforcement = {
    ...(asked.memory && { memory: (await enforced('memory')) ?? 'watched' }),
    ...(asked.cpus && { cpus: (await enforced('cpus')) ?? 'not enforced' }),
    ...(asked.pids && { pids: (await enforced('pids')) ?? 'watched' }),
  };
  return { dirs: [...new Set(made.values())], enforcement };
}

/** Puts a process, and all children it will have, into those of the cgroups in which it is not yet. */
export async function enterCgroups(dirs: readonly string[], pid: number): Promise<void> {
  const missing = dirs.filter((dir) => !pidsIn([dir]).includes(pid));
  await Promise.all(missing.map((dir) => writeFile(join(dir, 'cgroup.procs'), String(pid))));
}

/** Pids of all processes in the cgroups. */
export function pidsIn(dirs: readonly string[]): number[] {
  const pids = dirs.flatMap((dir) => readLines(join(dir, 'cgroup.procs')).map(Number));
  return [...new Set(pids)].filter((pid) => pid > 0);
}

/** Whether the kernel killed something in there because memory ran out. */
export function ranOutOfMemory(dirs: readonly string[]): boolean {
  const lines = dirs.flatMap((dir) => [
    ...readLines(join(dir, 'memory.oom_control')),
    ...readLines(join(dir, 'memory.events')),
  ]);
  return lines.some((line) => /^oom_kill [1-9]/.test(line));
}

/** Removes cgroups, which must be empty. Missing ones count as removed; one that is still busy stays and can be removed later. */
export async function removeCgroups(dirs: readonly string[]): Promise<void> {
  for (const dir of dirs) {
    // A process that was just killed counts until it is reaped.
    for (let attempt = 0; existsSync(dir) && !tryRemove(dir) && attempt < 20; attempt++) await delay(10);
    tryRemove(dirname(dir));
  }
}

type Controller = keyof Enforcement;

function isVersion1(parents: CgroupParents): boolean {
  return Object.keys(parents.v1).length > 0;
}

/** By controller; in version 2 it is the same folder for all. */
function dirsOf({ v1, v2 }: CgroupParents, names: CgroupNames): Partial<Record<Controller, string>> {
  if (isVersion1({ v1, v2 })) {
    return {
      ...(v1.memory && { memory: join(v1.memory, ...names) }),
      ...(v1.cpu && { cpus: join(v1.cpu, ...names) }),
      ...(v1.pids && { pids: join(v1.pids, ...names) }),
    };
  }
  if (v2 === null) return {};
  const dir = join(v2, ...names);
  return { memory: dir, cpus: dir, pids: dir };
}

/** Hands the controllers down. Refused where processes live in `parent` itself and it is not the root; then the limits are watched. */
async function delegate(parent: string, [group]: CgroupNames): Promise<void> {
  await succeeds(mkdir(join(parent, group), { recursive: true }));
  for (const folder of [parent, join(parent, group)]) {
    for (const controller of ['memory', 'cpu', 'pids']) {
      await succeeds(writeFile(join(folder, 'cgroup.subtree_control'), `+${controller}`));
    }
  }
}

type Setting = readonly [file: string, value: string, isNeeded: boolean];

function settingsOf({ memoryBytes, cpus, pids }: Limits) {
  const memory = String(memoryBytes);
  const quota = String(Math.max(1_000, Math.round((cpus ?? 0) * CPU_PERIOD_US)));
  const v1: Record<Controller, Setting[]> = {
    // The second counts swap as well; it exists only where swap is accounted.
    memory: [
      ['memory.limit_in_bytes', memory, true],
      ['memory.memsw.limit_in_bytes', memory, false],
    ],
    cpus: [
      ['cpu.cfs_period_us', String(CPU_PERIOD_US), true],
      ['cpu.cfs_quota_us', quota, true],
    ],
    pids: [['pids.max', String(pids), true]],
  };
  const v2: Record<Controller, Setting[]> = {
    memory: [
      ['memory.max', memory, true],
      ['memory.swap.max', '0', false],
      ['memory.oom.group', '1', false],
    ],
    cpus: [['cpu.max', `${quota} ${CPU_PERIOD_US}`, true]],
    pids: [['pids.max', String(pids), true]],
  };
  return { v1, v2 };
}

async function writeAll(dir: string, settings: readonly Setting[]): Promise<boolean> {
  let isSet = true;
  for (const [file, value, isNeeded] of settings) {
    const done = existsSync(join(dir, file)) && (await succeeds(writeFile(join(dir, file), value)));
    isSet &&= done || !isNeeded;
  }
  return isSet;
}

function succeeds(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}

function tryRemove(dir: string): boolean {
  try {
    rmdirSync(dir);
    return true;
  } catch {
    return false;
  }
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').filter(Boolean);
  } catch {
    return [];
  }
}
