import type { ArtifactKey, InstallationId } from '../../model/ids.ts';
import type { InstanceRequest } from '../engine.ts';
import type { ProcessInfo, ProcessTable } from './process-table.ts';

/** Folders that a process may write. */
export interface OwnFolders {
  readonly home: string;
  readonly temp: string;
}

/** What every process of ours gets, whatever the daemon's own environment holds. */
export interface BaseEnvironment {
  readonly installation: InstallationId;
  /** Where programs are looked for. */
  readonly path: string;
}

/** The whole environment of an instance. What the engine sets wins over what the app's params say. */
export function instanceEnvironment(
  base: BaseEnvironment,
  request: InstanceRequest,
  own: OwnFolders & { readonly port: number; readonly data: string },
): Record<string, string> {
  return {
    PATH: base.path,
    LANG: 'C.UTF-8',
    ...request.variables,
    HOME: own.home,
    TMPDIR: own.temp,
    PORT: String(own.port),
    APP_DATA: own.data,
    MAINSPRING_INSTALLATION: base.installation,
    MAINSPRING_APP: request.app,
    MAINSPRING_ENV: request.env,
    MAINSPRING_INSTANCE: request.id,
    MAINSPRING_GENERATION: String(request.generation),
  };
}

/** The whole environment of a build: the same for every environment, so without params. */
export function buildEnvironment(base: BaseEnvironment, key: ArtifactKey, own: OwnFolders): Record<string, string> {
  return {
    PATH: base.path,
    LANG: 'C.UTF-8',
    HOME: own.home,
    TMPDIR: own.temp,
    MAINSPRING_INSTALLATION: base.installation,
    MAINSPRING_BUILD: key,
  };
}

/** What a process of this installation says about itself by its environment. */
export interface Marks {
  readonly instance: string | undefined;
  readonly build: string | undefined;
  readonly port: number;
}

/** The marks of a process, or undefined where it is none of this installation's. */
export function readMarks(table: ProcessTable, installation: InstallationId, { pid }: ProcessInfo): Marks | undefined {
  const environment = table.environment(pid);
  if (environment?.get('MAINSPRING_INSTALLATION') !== installation) return undefined;
  return {
    instance: environment.get('MAINSPRING_INSTANCE'),
    build: environment.get('MAINSPRING_BUILD'),
    port: Number(environment.get('PORT')),
  };
}
