import type { ContainerCreateOptions, MountSettings } from 'dockerode';
import { MainspringError } from '../../../model/errors.ts';
import type { InstallationId } from '../../../model/ids.ts';
import type { InstanceRequest } from '../../engine.ts';
import type { EngineAbilities } from '../connection/engine-abilities.ts';
import { containerLabels } from '../labels.ts';
import { aliasesOf, containerName } from '../names.ts';
import { type ContainerOptions, KEPT_CAPABILITIES } from './container-opts.ts';
import { DATA_PATH, type Mount } from './volumes.ts';

/** What is taken from an image to run it. */
export interface ImageFacts {
  readonly id: string;
  /** TCP ports of its `EXPOSE` lines. */
  readonly ports: readonly number[];
  /** Paths of its `VOLUME` lines. */
  readonly volumes: readonly string[];
  /** Empty: root. */
  readonly user: string;
}

/** Everything that a container is made from. */
export interface ContainerPlan {
  readonly installation: InstallationId;
  readonly request: InstanceRequest;
  readonly image: ImageFacts;
  readonly options: ContainerOptions;
  readonly mounts: readonly Mount[];
  readonly network: string;
  /** Limits that the engine enforces; it is not asked for others. */
  readonly enforced: EngineAbilities['limits'];
  /** The most processes of one user that the engine has to be told of; null: it knows by itself. */
  readonly userProcesses: number | null;
  /** The port of loopback that leads to it; null: it is reached in its network. */
  readonly hostPort: number | null;
}

const DEFAULT_PORT = 8080;

/** The request that creates a container; nothing is sent here. */
export function containerConfig(plan: ContainerPlan): ContainerCreateOptions {
  const { installation, request, image, options, network } = plan;
  const port = `${appPort(plan)}/tcp`;
  const { hostPort } = plan;
  const command = request.spec.run?.command;
  return {
    name: containerName(installation, request.id),
    Image: image.id,
    Labels: containerLabels(installation, request, {
      ...{ hostPort, network, appPort: appPort(plan), memoryBytes: options.memoryBytes },
    }),
    Env: environmentOf(plan),
    ...(command === undefined ? {} : { Cmd: command.map((text) => fill(text, valuesFor(plan))) }),
    ...(options.user === null ? {} : { User: options.user }),
    ...(options.stopSignal === null ? {} : { StopSignal: options.stopSignal }),
    ...(options.stopGraceMs === null ? {} : { StopTimeout: Math.ceil(options.stopGraceMs / 1_000) }),
    ExposedPorts: { [port]: {} },
    HostConfig: {
      ...limitsOf(plan),
      ...confinement(options),
      ...(hostPort === null ? {} : { PortBindings: { [port]: [{ HostIp: '127.0.0.1', HostPort: String(hostPort) }] } }),
      Mounts: plan.mounts.map(mountSettings),
      NetworkMode: network,
      RestartPolicy: { Name: 'no' },
      LogConfig: { Type: 'json-file', Config: { 'max-size': '5m', 'max-file': '3' } },
    },
    NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: [...aliasesOf(request.app, request.dataName)] } } },
  };
}

/** The port that the app listens on: as its options say, its spec, its image's only `EXPOSE`, else 8080. */
export function appPort({ options, request, image }: Pick<ContainerPlan, 'options' | 'request' | 'image'>): number {
  const only = image.ports.length === 1 ? image.ports[0] : undefined;
  return options.port ?? request.spec.run?.port ?? only ?? DEFAULT_PORT;
}

function limitsOf({ options, enforced, userProcesses }: ContainerPlan) {
  const { memoryBytes, cpus, pids, nofile, shmBytes } = options;
  const nproc = userProcesses === null ? [] : [{ Name: 'nproc', Soft: userProcesses, Hard: userProcesses }];
  return {
    ...(enforced.memory ? { Memory: memoryBytes } : {}),
    ...(enforced.cpus ? { NanoCpus: Math.round(cpus * 1e9) } : {}),
    // A limit that nobody names is one of Podman's own.
    PidsLimit: enforced.pids ? pids : 0,
    Ulimits: [{ Name: 'nofile', Soft: nofile, Hard: nofile }, ...nproc],
    ...(shmBytes === null ? {} : { ShmSize: shmBytes }),
  };
}

function confinement({ capAdd, readOnly, init }: ContainerOptions) {
  return {
    CapDrop: ['ALL'],
    CapAdd: [...new Set([...KEPT_CAPABILITIES, ...capAdd])],
    SecurityOpt: ['no-new-privileges'],
    Init: init,
    ReadonlyRootfs: readOnly,
    // What most programs need to write although their image is read-only.
    ...(readOnly ? { Tmpfs: { '/tmp': 'rw,nosuid,nodev,size=64m' } } : {}),
  };
}

function mountSettings(mount: Mount): MountSettings {
  const Source = mount.kind === 'volume' ? mount.name : mount.source;
  return { Type: mount.kind === 'volume' ? 'volume' : 'bind', Source, Target: mount.path, ReadOnly: mount.readOnly };
}

/** Variables of the spec, then those of the app, then what the engine sets: the last one wins. */
function environmentOf(plan: ContainerPlan): string[] {
  const { installation, request } = plan;
  const values = valuesFor(plan);
  const ofSpec = Object.entries(request.spec.run?.variables ?? {}).map(([name, text]) => [name, fill(text, values)]);
  const all: Record<string, string> = {
    ...Object.fromEntries(ofSpec),
    ...request.variables,
    PORT: values.PORT ?? '',
    APP_DATA: DATA_PATH,
    MAINSPRING_INSTALLATION: installation,
    MAINSPRING_APP: request.app,
    MAINSPRING_ENV: request.env,
    MAINSPRING_INSTANCE: request.id,
    MAINSPRING_GENERATION: String(request.generation),
  };
  return Object.entries(all).map(([name, value]) => `${name}=${value}`);
}

function valuesFor(plan: ContainerPlan): Readonly<Record<string, string | undefined>> {
  const { APP_PATH, APP_URL, APP_ENV } = plan.request.variables;
  return { PORT: String(appPort(plan)), APP_PATH, APP_URL, APP_ENV, APP_DATA: DATA_PATH };
}

/** Fills in `{PORT}` and the like; other braces are left as they are. */
function fill(text: string, values: Readonly<Record<string, string | undefined>>): string {
  return text.replace(/\{(PORT|APP_PATH|APP_URL|APP_ENV|APP_DATA)\}/g, (_, name: string) => {
    const value = values[name];
    if (value !== undefined) return value;
    throw new MainspringError('start-failed', `run: "{${name}}" has no value for this instance`);
  });
}
