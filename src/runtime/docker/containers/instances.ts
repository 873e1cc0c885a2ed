import type { ContainerInspectInfo } from 'dockerode';
import type { Clock } from '../../../model/clock.ts';
import { MainspringError } from '../../../model/errors.ts';
import type { EnvName, InstallationId, InstanceId } from '../../../model/ids.ts';
import type { RouteTarget } from '../../../model/routing.ts';
import type { InstanceRequest, InstanceState, ListedInstance } from '../../engine.ts';
import { isSafeId } from '../../record-files.ts';
import { Turns } from '../../turns.ts';
import type { Client, DockerConnection } from '../connection/connection.ts';
import { accepting, isNotThere, statusOf } from '../connection/engine-error.ts';
import { containersWith } from '../connection/listing.ts';
import { installationLabel, instanceOf, LABEL } from '../labels.ts';
import { containerName } from '../names.ts';
import type { Networks } from '../networks/networks.ts';
import type { ContainerMaker } from './container-maker.ts';
import { inspectedState, isDoubtful, listedState, sickness } from './instance-state.ts';
import { listeningOf, portAdvice } from './listening.ts';
import type { OwnDoing } from './own-doing.ts';
import { targetOf } from './reach.ts';
import { giveMemoryBack } from './reclaim.ts';

/** What the instances of the docker engine need. */
export interface InstancesOptions {
  readonly connection: DockerConnection;
  readonly installation: InstallationId;
  readonly clock: Clock;
  readonly maker: ContainerMaker;
  readonly networks: Networks;
  readonly doing: OwnDoing;
}

/** It ended, or went, in the moment between looking and asking. */
const OVER = [304, 404, 409];
const POLL_MS = 100;
const GONE_MS = 20_000;
const FREEZE_TRIES = 3;
const FREEZE_AGAIN_MS = 500;
/** What an unhealthy one gets to end, before it is started anew. */
const SICK_GRACE_MS = 5_000;

/** Instances as containers. The engine's own labels are the only record of them: there is nothing that could differ from it. */
export class Instances {
  readonly #options: InstancesOptions;
  readonly #turns = new Turns();

  constructor(options: InstancesOptions) {
    this.#options = options;
  }

  async start(request: InstanceRequest, signal: AbortSignal): Promise<RouteTarget> {
    return this.#turns.take(request.id, () => this.#start(request, signal), signal);
  }

  async stop(id: InstanceId, graceMs: number): Promise<void> {
    await this.#turns.take(id, () => this.#ask(`stop of "${id}"`, (client) => this.#stop(client, id, graceMs)));
  }

  /** Freezes it, and gives its memory back where the machine can take it. */
  async pause(id: InstanceId): Promise<void> {
    await this.#turns.take(id, () => this.#ask(`pause of "${id}"`, (client) => this.#pause(client, id)));
  }

  /** Lets it go on without a look at it: a container that is paused has its place and its labels as they were. */
  async resume(id: InstanceId, signal: AbortSignal): Promise<boolean> {
    const { installation, doing, clock } = this.#options;
    const resumed = () =>
      this.#ask(`start of "${id}"`, async ({ docker }) => {
        const before = doing.wanted(id);
        doing.expect(id, 'running', clock.now());
        try {
          await docker.getContainer(containerName(installation, id)).unpause();
          return true;
        } catch (error) {
          doing.expect(id, before ?? 'paused', clock.now());
          if (statusOf(error) === undefined) throw error;
          return false;
        }
      });
    return this.#turns.take(id, resumed, signal);
  }

  async remove(id: InstanceId): Promise<void> {
    await this.#turns.take(id, () => this.#ask(`removal of "${id}"`, (client) => this.#remove(client, id)));
  }

  async inspect(id: InstanceId): Promise<InstanceState> {
    if (!isSafeId(id)) return { state: 'absent' };
    return this.#ask(`look at "${id}"`, async (client) => {
      const found = await this.find(client, id);
      return found === undefined ? { state: 'absent' } : inspectedState(found, client.self);
    });
  }

  /** Where it listens, if that is not where it should. */
  async advice(id: InstanceId): Promise<string | null> {
    if (!isSafeId(id)) return null;
    return this.#ask(`look at "${id}"`, async (client) => {
      const found = await this.find(client, id);
      const expected = Number(found?.Config.Labels[LABEL.appPort]);
      // From within a container its process is another one, or none.
      if (!found?.State.Running || !(expected > 0) || client.self !== null) return null;
      const listening = await listeningOf(found.State.Pid);
      return listening === null ? null : portAdvice(expected, listening);
    });
  }

  async list(): Promise<readonly ListedInstance[]> {
    const { installation, networks } = this.#options;
    return this.#ask('list of containers', async (client) => {
      await networks.joinAll(client);
      const listed: ListedInstance[] = [];
      for (const container of await containersWith(client.docker, [installationLabel(installation)])) {
        const id = instanceOf(installation, container.Labels);
        if (id === undefined) continue;
        listed.push({
          id,
          state: isDoubtful(container) ? await this.inspect(id) : listedState(container, client.self),
        });
      }
      return listed;
    });
  }

  /** The container of an instance, if it is there and ours. */
  async find({ docker }: Client, id: InstanceId): Promise<ContainerInspectInfo | undefined> {
    const { installation } = this.#options;
    const name = containerName(installation, id);
    const found = await docker.getContainer(name).inspect().catch(unlessGone);
    if (found === undefined || instanceOf(installation, found.Config.Labels) === id) return found;
    throw new MainspringError('engine-failed', `container "${name}" is not one of ours`, {
      hint: 'Somebody made a container of this name; remove or rename it.',
      retry: 'after-interval',
    });
  }

  #ask<T>(what: string, question: (client: Client) => Promise<T>): Promise<T> {
    return this.#options.connection.ask(what, question);
  }

  async #start(request: InstanceRequest, signal: AbortSignal): Promise<RouteTarget> {
    signal.throwIfAborted();
    return this.#ask(`start of "${request.app}"`, async (client) => {
      const found = await this.find(client, request.id);
      const again = found === undefined ? undefined : await this.#startAgain(client, request.id, found);
      if (again !== undefined) return again;
      return this.#options.maker.make(client, request, signal);
    });
  }

  /** Brings a container back that is there. Undefined where that can't be, and it is no longer there: its port may be taken, say. */
  async #startAgain(client: Client, id: InstanceId, found: ContainerInspectInfo): Promise<RouteTarget | undefined> {
    const { doing, clock } = this.#options;
    const container = client.docker.getContainer(found.Id);
    if (found.State.Paused) {
      doing.expect(id, 'running', clock.now());
      await container.unpause();
      return this.#reached(client, id, found);
    }
    const isSick = sickness(found) !== null;
    if (isSick) await this.#stop(client, id, SICK_GRACE_MS);
    else if (found.State.Running) return this.#reached(client, id, found);
    const before = doing.wanted(id);
    doing.expect(id, 'running', clock.now());
    try {
      await container.start();
    } catch (error) {
      if (statusOf(error) !== 304) {
        doing.expect(id, before ?? 'ended', clock.now());
        if (statusOf(error) === undefined) throw error;
        await this.#giveUp(client, id, found);
        return undefined;
      }
    }
    // Its address is what the engine gave it now.
    return this.#reached(client, id, client.self === null ? found : await container.inspect());
  }

  /** Where a container is reached that runs; one that was made for another way is removed, to be made anew. */
  async #reached(client: Client, id: InstanceId, found: ContainerInspectInfo): Promise<RouteTarget | undefined> {
    const target = targetOf({ labels: found.Config.Labels, networks: found.NetworkSettings.Networks }, client.self);
    if (target === undefined) await this.#giveUp(client, id, found);
    return target;
  }

  async #giveUp({ docker }: Client, id: InstanceId, { Id }: ContainerInspectInfo): Promise<void> {
    this.#options.doing.expect(id, 'removed', this.#options.clock.now());
    await this.#removeContainer(docker, Id);
  }

  async #stop(client: Client, id: InstanceId, graceMs: number): Promise<void> {
    const { doing, clock } = this.#options;
    const found = isSafeId(id) ? await this.find(client, id) : undefined;
    if (found === undefined) return;
    doing.expect(id, 'ended', clock.now());
    if (!found.State.Running && !found.State.Paused) return;
    const container = client.docker.getContainer(found.Id);
    if (found.State.Paused) await accepting(container.unpause(), OVER);
    const own = (found.Config as { readonly StopTimeout?: number }).StopTimeout;
    const seconds = graceMs === 0 ? 0 : (own ?? Math.ceil(graceMs / 1_000));
    await accepting(container.stop({ t: seconds }), OVER);
  }

  async #pause(client: Client, id: InstanceId): Promise<void> {
    const { doing, clock } = this.#options;
    const found = await this.find(client, id);
    if (found?.State.Paused) return;
    if (!found?.State.Running) {
      throw new MainspringError('engine-failed', `pause of "${id}": expected one that runs`, {
        retry: 'after-interval',
      });
    }
    if (!(await client.abilities()).pauses) {
      throw new MainspringError('engine-failed', `pause of "${id}": this engine can't pause containers`, {
        hint: 'It is rootless, on cgroup version 1. What it runs is stopped instead.',
      });
    }
    doing.expect(id, 'paused', clock.now());
    try {
      await this.#freeze(client, found.Id);
    } catch (error) {
      doing.expect(id, 'running', clock.now());
      throw error;
    }
    // From within a container its process is another one, or none.
    if (client.self === null) await giveMemoryBack(found);
  }

  /** The kernel can't freeze what is busy enough; then the engine gives up (500, by runc's "unable to freeze") and is asked again. */
  async #freeze({ docker }: Client, containerId: string): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await docker.getContainer(containerId).pause();
        return;
      } catch (error) {
        if (statusOf(error) !== 500 || tries === FREEZE_TRIES) throw error;
        await this.#options.clock.sleep(FREEZE_AGAIN_MS);
      }
    }
  }

  async #remove(client: Client, id: InstanceId): Promise<void> {
    const { doing, clock, networks } = this.#options;
    const found = isSafeId(id) ? await this.find(client, id) : undefined;
    if (found === undefined) return;
    doing.expect(id, 'removed', clock.now());
    await this.#removeContainer(client.docker, found.Id);
    const env = found.Config.Labels[LABEL.env] as EnvName | undefined;
    if (env !== undefined) await networks.tidy(client, env);
  }

  async #removeContainer(docker: Client['docker'], containerId: string): Promise<void> {
    const { clock } = this.#options;
    const container = docker.getContainer(containerId);
    // `v`: volumes without a name only, which nobody could find again.
    // 409: somebody else is at it already.
    await accepting(container.remove({ force: true, v: true }), [404, 409]);
    const until = clock.now() + GONE_MS;
    while ((await container.inspect().catch(unlessGone)) !== undefined) {
      if (clock.now() > until) throw new Error(`container ${containerId.slice(0, 12)} does not go away`);
      await clock.sleep(POLL_MS);
    }
  }
}

function unlessGone(error: unknown): undefined {
  if (!isNotThere(error)) throw error;
}
