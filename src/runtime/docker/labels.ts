import type { InstallationId, InstanceId } from '../../model/ids.ts';
import type { InstanceRequest } from '../engine.ts';

/** Labels by name. */
export type Labels = Readonly<Record<string, string>>;

/** The names of the labels that this engine writes. The first five are a part of the surface. */
export const LABEL = {
  installation: 'mainspring.installation',
  app: 'mainspring.app',
  env: 'mainspring.env',
  instance: 'mainspring.instance',
  generation: 'mainspring.generation',
  /** The key of the artifact: on images, and on the containers made of them. */
  artifact: 'mainspring.artifact',
  /** The port of loopback that a container is reached by. */
  port: 'mainspring.port',
  /** The data folder that a volume is a part of: `ENV/APP-HASH`. */
  data: 'mainspring.data',
  /** What base images resolved to when an image was built: JSON. */
  bases: 'mainspring.bases',
  /** The memory limit of a container in bytes, for the reason of its end. */
  memory: 'mainspring.memory',
} as const;

/** The label that everything of an installation carries. */
export function installationLabel(installation: InstallationId): string {
  return `${LABEL.installation}=${installation}`;
}

/** The labels of a container. No value of an environment variable is among them. */
export function containerLabels(
  installation: InstallationId,
  request: InstanceRequest,
  own: { readonly port: number; readonly memoryBytes: number },
): Labels {
  return {
    [LABEL.installation]: installation,
    [LABEL.app]: request.app,
    [LABEL.env]: request.env,
    [LABEL.instance]: request.id,
    [LABEL.generation]: String(request.generation),
    [LABEL.artifact]: request.artifact.key,
    [LABEL.port]: String(own.port),
    [LABEL.data]: request.dataName,
    [LABEL.memory]: String(own.memoryBytes),
  };
}

/** The labels of a volume of an app's data. */
export function volumeLabels(installation: InstallationId, request: Pick<InstanceRequest, 'app' | 'env' | 'dataName'>) {
  return {
    [LABEL.installation]: installation,
    [LABEL.app]: request.app,
    [LABEL.env]: request.env,
    [LABEL.data]: request.dataName,
  };
}

/** The instance that a container is, or undefined where it is none of this installation's. */
export function instanceOf(installation: InstallationId, labels: Labels | undefined): InstanceId | undefined {
  if (labels?.[LABEL.installation] !== installation) return undefined;
  return labels[LABEL.instance] as InstanceId | undefined;
}
