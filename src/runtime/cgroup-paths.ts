/** The cgroups that a process is in: paths within their hierarchies. */
export interface CgroupPaths {
  /** Of version 1, by controller. */
  readonly v1: ReadonlyMap<string, string>;
  /** Of version 2; null: there is no such hierarchy. */
  readonly v2: string | null;
}

/** Reads what the kernel writes in `/proc/PID/cgroup`: a line `ID:CONTROLLER,…:PATH` for each hierarchy (cgroups(7)). */
export function parseCgroupPaths(text: string): CgroupPaths {
  const v1 = new Map<string, string>();
  let v2: string | null = null;
  for (const line of text.split('\n')) {
    const [, controllers, path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === '') v2 = path;
    else for (const controller of controllers?.split(',') ?? []) v1.set(controller, path);
  }
  return { v1, v2 };
}
