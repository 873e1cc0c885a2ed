import { request } from 'node:http';
import { text } from 'node:stream/consumers';

/** One container as its engine lists it. */
export interface ContainerSeen {
  readonly id: string;
  readonly app: string;
  readonly env: string;
  /** The digest of what it runs. */
  readonly image: string;
  /** `running`, `paused`, `exited`, … */
  readonly state: string;
  readonly labels: Readonly<Record<string, string>>;
}

const LABEL = 'mainspring.installation';

/** What an installation has made at an engine, listed by the engine itself: the product is not asked. */
export class EngineView {
  readonly socket: string;
  readonly #installation: string;
  readonly #filters: string;

  constructor(socket: string, installation: string) {
    this.socket = socket;
    this.#installation = installation;
    this.#filters = encodeURIComponent(JSON.stringify({ label: [`${LABEL}=${installation}`] }));
  }

  async containers(): Promise<ContainerSeen[]> {
    const listed = await this.#get<{ Id: string; ImageID: string; State: string; Labels: Record<string, string> }[]>(
      `/containers/json?all=1&filters=${this.#filters}`,
    );
    return listed.map(({ Id, ImageID, State, Labels }) => ({
      id: Id,
      app: Labels['mainspring.app'] ?? '',
      env: Labels['mainspring.env'] ?? '',
      image: ImageID,
      state: State,
      labels: Labels,
    }));
  }

  /** Digests of its images. */
  async images(): Promise<string[]> {
    const listed = await this.#get<{ Id: string }[]>(`/images/json?filters=${this.#filters}`);
    return [...new Set(listed.map(({ Id }) => Id))];
  }

  async networks(): Promise<{ readonly id: string; readonly name: string; readonly subnets: readonly string[] }[]> {
    const listed = await this.#get<{ Id: string; Name: string; IPAM: { Config: { Subnet: string }[] | null } }[]>(
      `/networks?filters=${this.#filters}`,
    );
    return listed.map(({ Id, Name, IPAM }) => ({
      ...{ id: Id, name: Name },
      subnets: (IPAM.Config ?? []).map(({ Subnet }) => Subnet),
    }));
  }

  async volumes(): Promise<{ readonly name: string; readonly labels: Readonly<Record<string, string>> }[]> {
    const { Volumes } = await this.#get<{ Volumes: { Name: string; Labels: Record<string, string> | null }[] | null }>(
      `/volumes?filters=${this.#filters}`,
    );
    return (Volumes ?? []).map(({ Name, Labels }) => ({ name: Name, labels: Labels ?? {} }));
  }

  /** Everything that the engine knows of a container. */
  inspect(id: string): Promise<Record<string, unknown>> {
    return this.#get(`/containers/${id}/json`);
  }

  /** Does to a container what somebody does by hand: `kill`, `pause`, `unpause`, `start`, `stop`. */
  async by(hand: string, id: string): Promise<void> {
    const { status, body } = await this.#ask('POST', `/containers/${id}/${hand}`);
    if (status >= 400) throw new Error(`${hand}: ${status} ${body}`);
  }

  /** Makes and starts a container by hand that publishes a port on loopback; gives its id and that port. It counts as the installation's. */
  async runByHand(image: string, port: number): Promise<{ readonly id: string; readonly port: number }> {
    const bindings = { [`${port}/tcp`]: [{ HostIp: '127.0.0.1', HostPort: '' }] };
    const body = {
      Image: image,
      Env: [`PORT=${port}`],
      ExposedPorts: { [`${port}/tcp`]: {} },
      Labels: { [LABEL]: this.#installation },
      HostConfig: { PortBindings: bindings, Init: true },
    };
    const { status, body: said } = await this.#ask('POST', '/containers/create', body);
    if (status !== 201) throw new Error(`create: ${status} ${said}`);
    const { Id } = JSON.parse(said) as { Id: string };
    await this.by('start', Id);
    return { id: Id, port: await this.publishedPort(Id, port) };
  }

  /** Where a port of a container is published now. */
  async publishedPort(id: string, port: number): Promise<number> {
    const { NetworkSettings } = (await this.inspect(id)) as {
      NetworkSettings: { Ports: Record<string, { HostPort: string }[] | null> };
    };
    return Number(NetworkSettings.Ports[`${port}/tcp`]?.[0]?.HostPort);
  }

  /** Names of images that lie in its own part of the names. */
  async tags(): Promise<string[]> {
    const filters = encodeURIComponent(JSON.stringify({ reference: [`localhost/mainspring-${this.#installation}/*`] }));
    const listed = await this.#get<{ RepoTags: string[] | null }[]>(`/images/json?filters=${filters}`);
    return listed.flatMap(({ RepoTags }) => RepoTags ?? []);
  }

  /** Removes all of it. */
  async removeAll(): Promise<void> {
    for (const { id } of await this.containers()) await this.#ask('DELETE', `/containers/${id}?force=1&v=1`);
    for (const tag of await this.tags()) await this.#ask('DELETE', `/images/${tag}`);
    for (const id of await this.images()) await this.#ask('DELETE', `/images/${id}?force=1`);
    for (const { id } of await this.networks()) await this.#ask('DELETE', `/networks/${id}`);
    for (const { name } of await this.volumes()) await this.#ask('DELETE', `/volumes/${name}?force=1`);
  }

  async #get<T>(path: string): Promise<T> {
    const { status, body } = await this.#ask('GET', path);
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${body}`);
    return JSON.parse(body) as T;
  }

  #ask(method: string, path: string, body?: object): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const headers = body === undefined ? {} : { 'Content-Type': 'application/json' };
      const options = { socketPath: this.socket, method, path: `/v1.41${path}`, headers };
      const asked = request(options, async (answer) =>
        resolve({ status: answer.statusCode ?? 0, body: await text(answer) }),
      );
      asked.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}
