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
  /** The port of loopback that leads to a container; none where Mainspring is a container itself. */
  port: 'mainspring.port',
  /** The port that the app listens on, inside. */
  appPort: 'mainspring.app_port',
  /** The network of a container's environment. */
  network: 'mainspring.network',
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

/** What a container's labels say besides what it was asked for. */
export interface OwnLabels {
  readonly hostPort: number | null;
  readonly appPort: number;
  readonly network: string;
  readonly memoryBytes: number;
}

/** The labels of a container. No value of an environment variable is among them. */
export function containerLabels(installation: InstallationId, request: InstanceRequest, own: OwnLabels): Labels {
  return {
    [LABEL.installation]: installation,
    [LABEL.app]: request.app,
    [LABEL.env]: request.env,
    [LABEL.instance]: request.id,
    [LABEL.generation]: String(request.generation),
    [LABEL.artifact]: request.artifact.key,
    ...(own.hostPort === null ? {} : { [LABEL.port]: String(own.hostPort) }),
    [LABEL.appPort]: String(own.appPort),
    [LABEL.network]: own.network,
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
