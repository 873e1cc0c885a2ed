import type { AppId, ArtifactKey, EnvName, InstanceId } from '../../model/ids.ts';
import type { RouteTarget } from '../../model/routing.ts';
import type { InstanceRequest } from '../engine.ts';
import type { Family } from './family.ts';
import type { Enforcement, Limits } from './limits.ts';

/** What is kept of an instance over a restart of the controller. Written before its process is made, and again with the pid before it runs. */
export interface InstanceRecord {
  readonly id: InstanceId;
  readonly env: EnvName;
  readonly app: AppId;
  readonly generation: number;
  readonly artifact: ArtifactKey;
  readonly dataName: string;
  /** Kept after its end, so that a new start gets the same where it is free. */
  readonly port: number;
  readonly state: 'starting' | 'running' | 'stopping' | 'exited';
  /** Why it ended; empty while it runs. */
  readonly reason: string;
  readonly pid: number | null;
  readonly startTime: string | null;
  readonly limits: Limits;
  readonly enforcement: Enforcement;
  readonly cgroups: readonly string[];
}

/** The record of an instance that is about to be started. */
export function intentOf(request: InstanceRequest, port: number, limits: Limits): InstanceRecord {
  return {
    id: request.id,
    env: request.env,
    app: request.app,
    generation: request.generation,
    artifact: request.artifact.key,
    dataName: request.dataName,
    port,
    state: 'starting',
    reason: '',
    pid: null,
    startTime: null,
    limits,
    enforcement: {},
    cgroups: [],
  };
}

/** Where an instance listens. */
export function targetOf({ port }: Pick<InstanceRecord, 'port'>): RouteTarget {
  return { kind: 'http', url: `http://127.0.0.1:${port}`, external: false };
}

/** How the processes of an instance are found; without a record, by their marks and `cgroups`. */
export function familyOf(id: InstanceId, record: InstanceRecord | undefined, cgroups: readonly string[]): Family {
  return {
    pid: record?.pid ?? null,
    startTime: record?.startTime ?? null,
    isMarked: ({ instance }) => instance === id,
    cgroups: [...new Set([...(record?.cgroups ?? []), ...cgroups])],
  };
}
