import type Docker from 'dockerode';
import { answer } from '../../support/containers/answer.ts';
import { connectDocker } from '../../support/containers/find-docker.ts';
import { installationLabel, removeInstallation } from '../../support/containers/installation.ts';

/** One container as its engine lists it. */
export interface ContainerSeen {
  readonly id: string;
  readonly app: string;
  readonly env: string;
  /** The digest of what it runs. */
  readonly image: string;
  /** `running`, `paused`, `exited`, … */
  readonly state: string;
}

/** What somebody does to a container by hand. */
export type Hand = 'kill' | 'pause' | 'unpause' | 'start' | 'stop';

/** What an installation has made at an engine, listed by the engine itself: the product is not asked. */
export class EngineView {
  readonly #docker: Docker;
  readonly #installation: string;
  readonly #filters: { readonly label: string[] };

  constructor(socket: string, installation: string) {
    this.#docker = connectDocker(`unix://${socket}`, {});
    this.#installation = installation;
    this.#filters = { label: [`${installationLabel}=${installation}`] };
  }

  async containers(): Promise<ContainerSeen[]> {
    const listed = await answer(this.#docker.listContainers({ all: true, filters: this.#filters }));
    return listed.map(({ Id, ImageID, State, Labels }) => ({
      ...{ id: Id, image: ImageID, state: State },
      app: Labels['mainspring.app'] ?? '',
      env: Labels['mainspring.env'] ?? '',
    }));
  }

  /** Digests of its images. */
  async images(): Promise<string[]> {
    const listed = await answer(this.#docker.listImages({ filters: this.#filters }));
    return [...new Set(listed.map(({ Id }) => Id))];
  }

  /** Names of its networks. */
  async networks(): Promise<string[]> {
    return (await answer(this.#docker.listNetworks({ filters: this.#filters }))).map(({ Name }) => Name);
  }

  /** Everything that the engine knows of a container. */
  inspect(id: string): Promise<Docker.ContainerInspectInfo> {
    return this.#docker.getContainer(id).inspect();
  }

  async by(hand: Hand, id: string): Promise<void> {
    const container = this.#docker.getContainer(id);
    const hands: Readonly<Record<Hand, () => Promise<unknown>>> = {
      kill: () => container.kill(),
      pause: () => container.pause(),
      unpause: () => container.unpause(),
      start: () => container.start(),
      stop: () => container.stop(),
    };
    await hands[hand]();
  }

  /** Makes and starts a container by hand that publishes a port on loopback; gives its id and that port. It counts as the installation's. */
  async runByHand(image: string, port: number): Promise<{ readonly id: string; readonly port: number }> {
    const { id } = await this.#docker.createContainer({
      Image: image,
      Env: [`PORT=${port}`],
      ExposedPorts: { [`${port}/tcp`]: {} },
      Labels: { [installationLabel]: this.#installation },
      HostConfig: { PortBindings: { [`${port}/tcp`]: [{ HostIp: '127.0.0.1', HostPort: '' }] }, Init: true },
    });
    await this.by('start', id);
    return { id, port: await this.publishedPort(id, port) };
  }

  /** Where a port of a container is published now. */
  async publishedPort(id: string, port: number): Promise<number> {
    const { NetworkSettings } = await this.inspect(id);
    return Number(NetworkSettings.Ports[`${port}/tcp`]?.[0]?.HostPort);
  }

  /** Removes all of it. */
  removeAll(): Promise<void> {
    return removeInstallation(this.#docker, this.#installation);
  }
}
