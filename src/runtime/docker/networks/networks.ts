import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import type Docker from 'dockerode';
import { MainspringError } from '../../../model/errors.ts';
import { type EnvName, type InstallationId, PROD, STAGE } from '../../../model/ids.ts';
import { Turns } from '../../turns.ts';
import type { Client, DockerConnection } from '../connection/connection.ts';
import { accepting, isNotThere, statusOf } from '../connection/engine-error.ts';
import { containersWith, networksWith } from '../connection/listing.ts';
import { installationLabel, LABEL } from '../labels.ts';
import { networkName } from '../names.ts';
import { formatRange, nextFreeRange, parseRange, type Range } from './subnets.ts';

/** How many addresses an environment gets: 1,022 where every app has one and a second during a deploy, 62 in a preview. */
const BITS = { long: 22, preview: 26 } as const;
/** How many subnets that the engine refuses are tried. */
const TRIES = 16;
// Making networks is for one at a time: two would choose the same subnet.
const MAKING = 'making';

/** The networks of environments: each has its own, and nothing goes from one to another. */
export class Networks {
  readonly #connection: DockerConnection;
  readonly #installation: InstallationId;
  readonly #within: string;
  readonly #turns = new Turns();
  /** Engines whose networks we were put into. */
  readonly #joined = new WeakSet<Client>();

  /** `within` is the range that subnets are taken from. */
  constructor(connection: DockerConnection, installation: InstallationId, within: string) {
    this.#connection = connection;
    this.#installation = installation;
    this.#within = within;
  }

  /** Runs `work` while the environment's network is there; it is made if it is missing. Gives its name to `work`. */
  async with<T>(client: Client, env: EnvName, work: (name: string) => Promise<T>): Promise<T> {
    return this.#turns.take(env, async () => {
      const name = networkName(this.#installation, env);
      if (!(await isThere(client.docker, name))) {
        await this.#turns.take(MAKING, () => this.#make(client, name, env));
      }
      await this.#join(client, name);
      return work(name);
    });
  }

  /** Where Mainspring is a container itself: puts it into the network of each environment that there is, as that is how apps are reached. Once for each engine. */
  async joinAll(client: Client): Promise<void> {
    if (client.self === null || this.#joined.has(client)) return;
    for (const { name } of await this.#own(client.docker)) await this.#join(client, name);
    this.#joined.add(client);
  }

  async #join({ docker, self }: Client, name: string): Promise<void> {
    // 403: it is in it already. 404: the network is gone.
    if (self !== null) await accepting(docker.getNetwork(name).connect({ Container: self }), [403, 404, 409]);
  }

  /** Removes networks of environments that have no container any more. */
  async tidy(client: Client, only?: EnvName): Promise<void> {
    for (const { env, name } of await this.#own(client.docker)) {
      if (only !== undefined && env !== only) continue;
      await this.#turns.take(env, async () => {
        if (await this.#hasContainers(client.docker, env)) return;
        const network = client.docker.getNetwork(name);
        try {
          if (client.self !== null) await accepting(network.disconnect({ Container: client.self }), [403, 404, 500]);
          await accepting(network.remove(), [404]);
        } catch (error) {
          throw this.#connection.failure(`removal of network "${name}"`, error);
        }
      });
    }
  }

  async #own(docker: Docker): Promise<{ readonly env: EnvName; readonly name: string }[]> {
    const networks = await networksWith(docker, [installationLabel(this.#installation)]);
    return networks
      .filter(({ Labels }) => Labels?.[LABEL.installation] === this.#installation)
      .map(({ Name, Labels }) => ({ env: (Labels?.[LABEL.env] ?? '') as EnvName, name: Name }));
  }

  async #hasContainers(docker: Docker, env: EnvName): Promise<boolean> {
    const labels = [installationLabel(this.#installation), `${LABEL.env}=${env}`];
    return (await containersWith(docker, labels)).length > 0;
  }

  async #make({ docker }: Client, name: string, env: EnvName): Promise<void> {
    const within = parseRange(this.#within);
    if (within === undefined) throw noRoom(this.#within);
    const bits = Math.max(within.bits, env === PROD || env === STAGE ? BITS.long : BITS.preview);
    const refused: Range[] = [];
    let refusal: unknown;
    while (refused.length < TRIES) {
      const taken = [...(await takenByEngine(docker)), ...(await takenByMachine())];
      const range = nextFreeRange(within, bits, { taken, refused, hiddenBits: BITS.long });
      if (range === undefined) break;
      try {
        await docker.createNetwork({
          Name: name,
          Driver: 'bridge',
          IPAM: { Driver: 'default', Config: [{ Subnet: formatRange(range) }] },
          Labels: { [LABEL.installation]: this.#installation, [LABEL.env]: env },
        });
        return;
      } catch (error) {
        if (await isThere(docker, name)) return;
        // It overlaps with something that only the engine knows of, such as what another installation makes now. That, it says in a form
        // that differs between engines.
        if (statusOf(error) === undefined) throw error;
        refused.push(range);
        refusal = error;
      }
    }
    throw refusal ?? noRoom(this.#within);
  }
}

async function isThere(docker: Docker, name: string): Promise<boolean> {
  return docker
    .getNetwork(name)
    .inspect()
    .then(
      () => true,
      (error: unknown) => {
        if (isNotThere(error)) return false;
        throw error;
      },
    );
}

async function takenByEngine(docker: Docker): Promise<Range[]> {
  const networks = await networksWith(docker, []);
  return networks.flatMap(({ IPAM }) => (IPAM?.Config ?? []).flatMap(({ Subnet }) => rangesOf(Subnet)));
}

/** What this machine's interfaces and routes reach, other than everything. */
async function takenByMachine(): Promise<Range[]> {
  const own = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).flatMap(({ cidr }) => rangesOf(cidr)));
  const routes = await readFile('/proc/net/route', 'utf8').catch(() => '');
  return [...own, ...routes.split('\n').slice(1).flatMap(routeOf)];
}

function rangesOf(text: string | null | undefined): Range[] {
  const range = parseRange(text ?? '');
  return range === undefined ? [] : [range];
}

/** A line of `/proc/net/route`: addresses are hexadecimal, their bytes in the order of this machine. */
function routeOf(line: string): Range[] {
  const [, destination = '', , , , , , mask = ''] = line.trim().split(/\s+/);
  if (!/^[0-9A-F]{8}$/.test(destination) || !/^[0-9A-F]{8}$/.test(mask) || mask === '00000000') return [];
  const bits = [...Buffer.from(mask, 'hex')].reduce(
    (sum, byte) => sum + byte.toString(2).replaceAll('0', '').length,
    0,
  );
  return [{ first: Buffer.from(destination, 'hex').readUInt32LE(0), bits }];
}

function noRoom(within: string): MainspringError {
  return new MainspringError('start-failed', `no subnet of "${within}" is free for the network of an environment`, {
    hint: 'Give [docker] networks in mainspring.toml a range that nothing else of this machine uses.',
    retry: 'after-interval',
  });
}
