import type { Clock } from '../../../model/clock.ts';
import type { ArtifactKey, InstallationId, InstanceId } from '../../../model/ids.ts';
import type { EngineEvent } from '../../engine.ts';
import type { EventHub } from '../../event-hub.ts';
import type { Client, DockerConnection } from '../connection/connection.ts';
import { imageId, inspected } from '../images.ts';
import { jsonLines } from '../json-lines.ts';
import { instanceOf, type Labels } from '../labels.ts';
import { artifactOfTag, artifactTag } from '../names.ts';
import { endReason, sickness } from './instance-state.ts';
import type { Instances } from './instances.ts';
import type { OwnDoing } from './own-doing.ts';

/** What watching the engine needs. */
export interface EngineEventsOptions {
  readonly connection: DockerConnection;
  readonly installation: InstallationId;
  readonly clock: Clock;
  readonly hub: EventHub;
  readonly doing: OwnDoing;
  readonly instances: Instances;
}

/** One message of the engine's event stream, as far as it is read. */
interface EngineMessage {
  readonly Type?: string;
  readonly Action?: string;
  readonly Actor?: { readonly ID?: string; readonly Attributes?: Labels };
  readonly time?: number;
  readonly timeNano?: number;
}

/** What is asked for, in Docker's words and in Podman's. */
const ACTIONS: readonly string[] = [
  ...['die', 'died', 'destroy', 'remove', 'pause', 'unpause', 'start', 'health_status'],
  ...['delete', 'untag'],
];
const PAUSE_MS = { first: 200, most: 30_000 };

/**
 * Watches the engine by one stream of events, made anew whenever it ends: then events may have been lost, so `gap` is published. What
 * we did ourselves is left out.
 */
export class EngineEvents {
  readonly #options: EngineEventsOptions;
  readonly #artifacts = new Map<string, Set<ArtifactKey>>();
  #isWatching = false;

  constructor(options: EngineEventsOptions) {
    this.#options = options;
  }

  /** Begins to watch, from this moment on; once is enough. */
  start(signal: AbortSignal): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    void this.#watch(this.#options.clock.now(), signal);
  }

  /** An artifact whose loss is to be told. */
  known(key: ArtifactKey, id: string): void {
    const keys = this.#artifacts.get(id) ?? new Set();
    this.#artifacts.set(id, keys.add(key));
  }

  /** An artifact that we remove ourselves. */
  leaving(key: ArtifactKey): void {
    for (const keys of this.#artifacts.values()) keys.delete(key);
  }

  async #watch(fromMs: number, signal: AbortSignal): Promise<void> {
    const { clock, connection, hub } = this.#options;
    let since = fromMs;
    for (let pauseMs = PAUSE_MS.first; !signal.aborted; pauseMs = Math.min(PAUSE_MS.most, pauseMs * 2)) {
      try {
        const client = await connection.client();
        for await (const message of await streamOf(client, since, signal)) {
          pauseMs = PAUSE_MS.first;
          // An event says its second at least: from there on it is heard again, and told apart by what is so.
          since = Math.max(since, (message.time ?? 0) * 1_000);
          await this.#take(client, message);
        }
      } catch (error) {
        if (signal.aborted) return;
        connection.failure('events', error);
      }
      if (signal.aborted) return;
      await clock.sleep(pauseMs, signal).catch(() => undefined);
      // Once it answers again, everything is looked at.
      const isBack = await connection.client().then(
        () => true,
        () => false,
      );
      if (isBack && !signal.aborted) hub.publish({ kind: 'gap' });
    }
  }

  async #take(client: Client, message: EngineMessage): Promise<void> {
    const event =
      message.Type === 'image' ? await this.#ofImage(client, message) : await this.#ofContainer(client, message);
    if (event !== undefined) this.#options.hub.publish(event);
  }

  async #ofContainer(client: Client, message: EngineMessage): Promise<EngineEvent | undefined> {
    const { doing, installation } = this.#options;
    const id = instanceOf(installation, message.Actor?.Attributes);
    if (id === undefined) return undefined;
    const wanted = doing.wanted(id);
    switch (message.Action) {
      case 'die':
      case 'died':
        return this.#ofEnd(client, id, message);
      case 'destroy':
      case 'remove':
        return wanted === 'removed' ? undefined : { kind: 'removed', id };
      case 'pause':
        return wanted === 'paused' ? undefined : this.#ofPause(client, id);
      case 'unpause':
      case 'start':
        return wanted === 'paused' || wanted === 'ended' ? this.#ofRevival(client, id) : undefined;
      default:
        // Docker says "health_status: unhealthy", Podman "health_status" alone.
        return message.Action?.startsWith('health_status') ? this.#ofHealth(client, id) : undefined;
    }
  }

  /** Its own check calls it unhealthy: it is as good as ended. */
  async #ofHealth(client: Client, id: InstanceId): Promise<EngineEvent | undefined> {
    if ((this.#options.doing.wanted(id) ?? 'running') !== 'running') return undefined;
    const found = await this.#options.instances.find(client, id);
    const reason = found === undefined ? null : sickness(found);
    return reason === null ? undefined : { kind: 'exited', id, reason };
  }

  /** Heard late it may be our own, of before we had it go on: what it is now tells. By somebody else: everything is looked at. */
  async #ofPause(client: Client, id: InstanceId): Promise<EngineEvent | undefined> {
    const found = await this.#options.instances.find(client, id);
    return found?.State.Paused === true ? { kind: 'gap' } : undefined;
  }

  /** What we had stopped or paused runs: everything is looked at. */
  async #ofRevival(client: Client, id: InstanceId): Promise<EngineEvent | undefined> {
    const found = await this.#options.instances.find(client, id);
    const wanted = this.#options.doing.wanted(id);
    const runs = found?.State.Running === true && !found.State.Paused;
    return runs && (wanted === 'paused' || wanted === 'ended') ? { kind: 'gap' } : undefined;
  }

  async #ofEnd(client: Client, id: InstanceId, message: EngineMessage): Promise<EngineEvent | undefined> {
    const { doing, instances } = this.#options;
    const atMs = message.timeNano === undefined ? (message.time ?? 0) * 1_000 : message.timeNano / 1e6;
    if (doing.isOwnEnd(id, atMs)) return undefined;
    const found = await instances.find(client, id);
    // Started again since, or frozen: what it is now has events of its own.
    if (found?.State.Running === true || found?.State.Paused === true) return undefined;
    const code = Number(message.Actor?.Attributes?.exitCode ?? message.Actor?.Attributes?.containerExitCode ?? 0);
    const end = found?.State ?? { OOMKilled: false, ExitCode: code, Error: '' };
    return { kind: 'exited', id, reason: endReason(end, found?.Config.Labels) };
  }

  /** An image of ours went, or lost our tag. */
  async #ofImage(client: Client, { Actor: actor }: EngineMessage): Promise<EngineEvent | undefined> {
    const { installation, hub } = this.#options;
    const named = artifactOfTag(installation, actor?.Attributes?.name ?? '');
    const keys = new Set(this.#artifacts.get(imageId({ Id: actor?.ID ?? '' })));
    if (named !== undefined) keys.add(named);
    for (const key of keys) {
      const isKnown = [...this.#artifacts.values()].some((all) => all.has(key));
      const tagged = await inspected(client.docker.getImage(artifactTag(installation, key)).inspect());
      if (!isKnown || tagged !== undefined) continue;
      this.leaving(key);
      hub.publish({ kind: 'artifact-lost', key });
    }
    return undefined;
  }
}

async function streamOf(
  { docker }: Client,
  sinceMs: number,
  signal: AbortSignal,
): Promise<AsyncIterable<EngineMessage>> {
  const asked: Promise<NodeJS.ReadableStream> = docker.getEvents({
    since: (sinceMs / 1_000).toFixed(3),
    filters: { type: ['container', 'image'], event: ACTIONS },
    abortSignal: signal,
  } as object);
  return jsonLines<EngineMessage>(await asked);
}
