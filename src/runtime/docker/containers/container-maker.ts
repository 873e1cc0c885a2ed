import { readFile } from 'node:fs/promises';
import type { Clock } from '../../../model/clock.ts';
import { mountedFiles } from '../../../model/container.ts';
import { MainspringError } from '../../../model/errors.ts';
import type { InstallationId, InstanceId } from '../../../model/ids.ts';
import type { RouteTarget } from '../../../model/routing.ts';
import type { DockerSettings } from '../../../model/settings.ts';
import type { InstanceRequest } from '../../engine.ts';
import type { EventHub } from '../../event-hub.ts';
import { choosePort } from '../../ports.ts';
import type { MountedFiles } from '../build/mounted-files.ts';
import type { Client } from '../connection/connection.ts';
import { accepting, engineWords, statusOf } from '../connection/engine-error.ts';
import { containersWith } from '../connection/listing.ts';
import type { Images } from '../images.ts';
import { installationLabel, LABEL } from '../labels.ts';
import type { Networks } from '../networks/networks.ts';
import { type ContainerPlan, containerConfig, type ImageFacts } from './container-config.ts';
import { parseContainerOptions } from './container-opts.ts';
import { giveDataToUser } from './data-owner.ts';
import type { OwnDoing } from './own-doing.ts';
import { targetOf } from './reach.ts';
import { checkBinds, mountsOf, type Volumes } from './volumes.ts';

/** What is needed to make containers. */
export interface MakerOptions {
  readonly installation: InstallationId;
  readonly settings: DockerSettings;
  readonly clock: Clock;
  readonly images: Images;
  readonly networks: Networks;
  readonly volumes: Volumes;
  readonly files: Pick<MountedFiles, 'has' | 'placeOf'>;
  readonly doing: OwnDoing;
  readonly hub: EventHub;
}

/** How often another port is tried where the chosen one was taken meanwhile. */
const PORT_TRIES = 5;

/** Makes the container of an instance and starts it. Cut off anywhere, it leaves what the labels name, and is started or removed by that. */
export class ContainerMaker {
  readonly #options: MakerOptions;
  readonly #reserved = new Set<number>();

  constructor(options: MakerOptions) {
    this.#options = options;
  }

  /** Makes and starts it. For an instance that has no container. */
  async make(client: Client, request: InstanceRequest, signal: AbortSignal): Promise<RouteTarget> {
    const { installation, settings, images, files, hub } = this.#options;
    const { key } = request.artifact;
    const image = await images.facts(client, request.artifact);
    const isWhole = mountedFiles(request.spec.containerVols).length === 0 || (await files.has(key));
    if (image === undefined || !isWhole) {
      hub.publish({ kind: 'artifact-lost', key });
      const what = image === undefined ? 'image is' : 'files are';
      throw new MainspringError('start-failed', `start of "${request.app}": its ${what} not there`, {
        hint: 'It is built again by itself.',
        retry: 'after-interval',
      });
    }
    const options = parseContainerOptions(request.containerOpts, settings);
    const declared = mountsOf(installation, request, image.volumes, (path) => files.placeOf(key, path));
    const mounts = await checkBinds(declared, settings.binds);
    const userProcesses = client.about.kind === 'podman' ? await ownProcessLimit() : null;
    const { limits: enforced } = await client.abilities();
    const plan = { installation, request, image, options, mounts, enforced, userProcesses };
    for (let tries = 1; ; tries++) {
      const target = await this.#withPort(client, request.id, (hostPort) =>
        this.#makeAt(client, { ...plan, hostPort }, signal, tries < PORT_TRIES),
      );
      if (target !== 'port taken') return target;
    }
  }

  /** Chooses a port that no container of ours has, running or not, and that nobody listens on; null where containers are reached in their network. */
  async #withPort<T>(client: Client, id: InstanceId, work: (port: number | null) => Promise<T>): Promise<T> {
    if (client.self !== null) return work(null);
    const taken = new Set([...(await this.#portsOfContainers(client)), ...this.#reserved]);
    const port = await choosePort(`${this.#options.installation} ${id}`, null, taken);
    // Chosen by another start while we looked.
    if (this.#reserved.has(port)) return this.#withPort(client, id, work);
    this.#reserved.add(port);
    try {
      return await work(port);
    } finally {
      this.#reserved.delete(port);
    }
  }

  async #portsOfContainers({ docker }: Client): Promise<number[]> {
    const containers = await containersWith(docker, [installationLabel(this.#options.installation)]);
    return containers.map(({ Labels }) => Number(Labels[LABEL.port])).filter((port) => port > 0);
  }

  async #makeAt(
    client: Client,
    plan: Omit<ContainerPlan, 'network'>,
    signal: AbortSignal,
    mayTryAgain: boolean,
  ): Promise<RouteTarget | 'port taken'> {
    const { networks, volumes, doing, clock } = this.#options;
    const { request } = plan;
    await volumes.ensure(client, plan.mounts, request);
    const config = await networks.with(client, request.env, async (network) => {
      signal.throwIfAborted();
      const made = containerConfig({ ...plan, network });
      await client.docker.createContainer({ ...made });
      return made;
    });
    const container = client.docker.getContainer(config.name ?? '');
    try {
      await giveDataToUser(container, plan.options.user ?? plan.image.user);
      signal.throwIfAborted();
      doing.expect(request.id, 'running', clock.now());
      await container.start();
      const networks = client.self === null ? undefined : (await container.inspect()).NetworkSettings.Networks;
      const target = targetOf({ labels: config.Labels, networks }, client.self);
      if (target === undefined) throw new Error(`the engine gave "${config.name}" no address`);
      return target;
    } catch (error) {
      doing.expect(request.id, 'removed', clock.now());
      await accepting(container.remove({ force: true, v: true }), [404]);
      const isTaken = plan.hostPort !== null && !(await isPortFree(plan.hostPort));
      if (mayTryAgain && statusOf(error) !== undefined && isTaken) return 'port taken';
      // The next sweep finds what is left.
      await networks.tidy(client, request.env).catch(() => undefined);
      throw startFailure(request, plan.image, error);
    }
  }
}

/** What Podman's service takes for itself where it may have more. */
const PODMAN_PROCESSES = 32_768;

/** As many as the engine itself may have: Podman's API forgets what Podman is set to and asks for more than a machine may allow. */
async function ownProcessLimit(): Promise<number> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const hard = /^Max processes\s+\S+\s+(\d+)/m.exec(limits)?.[1];
  return Math.min(PODMAN_PROCESSES, hard === undefined ? PODMAN_PROCESSES : Number(hard));
}

async function isPortFree(port: number): Promise<boolean> {
  return (await choosePort('', port, new Set()).catch(() => 0)) === port;
}

/** The engine's refusal to run a container is the app's fault more often than its own: a command that is not there, say. */
function startFailure({ app }: InstanceRequest, image: ImageFacts, error: unknown): unknown {
  const status = statusOf(error);
  if (status === undefined) return error;
  return new MainspringError('start-failed', `start of "${app}" from ${image.id.slice(0, 19)}: ${engineWords(error)}`, {
    cause: error,
    retry: 'after-interval',
  });
}
