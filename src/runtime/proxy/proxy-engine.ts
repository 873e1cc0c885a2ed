import { join } from 'node:path';
import { MainspringError } from '../../model/errors.ts';
import type { ArtifactKey, InstanceId } from '../../model/ids.ts';
import { isAllowedSocket, judgeTarget, type ProxyAllow } from '../../model/proxy-target.ts';
import type { Artifact } from '../../model/revision.ts';
import type { RouteTarget } from '../../model/routing.ts';
import { unixTarget } from '../../model/unix-target.ts';
import type {
  BuildRequest,
  Engine,
  EngineEvent,
  InstanceRequest,
  InstanceState,
  ListedInstance,
  LogLine,
} from '../engine.ts';
import { EventHub } from '../event-hub.ts';
import { realSocket } from '../real-socket.ts';
import { RecordFiles } from '../record-files.ts';
import { Turns } from '../turns.ts';

interface ProxyRecord {
  readonly url: string;
  readonly stopped: boolean;
}

/** Where a proxy engine keeps its things, and which addresses it may lead to. */
export interface ProxyEngineOptions {
  /** What is known of instances lies in `proxy/instances/`. */
  readonly dataDir: string;
  readonly allow: ProxyAllow;
}

/**
 * Leads to a server that is somebody else's. Nothing is built and nothing runs: an instance is a note of a URL that was found
 * to be fine. Names are judged again by the gateway, by the address it connects to.
 */
export class ProxyEngine implements Engine {
  readonly name = 'proxy';
  readonly #records: RecordFiles<ProxyRecord>;
  readonly #allow: ProxyAllow;
  readonly #turns = new Turns();
  readonly #hub = new EventHub();
  readonly #end = new AbortController();

  constructor({ dataDir, allow }: ProxyEngineOptions) {
    this.#records = new RecordFiles(join(dataDir, 'proxy', 'instances'));
    this.#allow = allow;
  }

  /** There is nothing to build. */
  async build({ key }: BuildRequest, signal: AbortSignal): Promise<Artifact> {
    signal.throwIfAborted();
    return { key, digest: null };
  }

  /** Nothing has to be there, so it always is. */
  async hasArtifact(): Promise<boolean> {
    return true;
  }

  async removeArtifact(): Promise<void> {}

  async start(request: InstanceRequest, signal: AbortSignal): Promise<RouteTarget> {
    return this.#turns.take(request.id, () => this.#start(request, signal), signal);
  }

  async stop(id: InstanceId): Promise<void> {
    await this.#turns.take(id, async () => {
      const record = await this.#records.find(id);
      if (record !== undefined && !record.stopped) await this.#records.save(id, { ...record, stopped: true });
    });
  }

  async remove(id: InstanceId): Promise<void> {
    await this.#turns.take(id, () => this.#records.remove(id));
  }

  async inspect(id: InstanceId): Promise<InstanceState> {
    const record = await this.#records.find(id);
    return record === undefined ? { state: 'absent' } : stateOf(record);
  }

  async list(): Promise<readonly ListedInstance[]> {
    return [...(await this.#records.all())].map(([id, record]) => ({ id, state: stateOf(record) }));
  }

  async listArtifacts(): Promise<readonly ArtifactKey[]> {
    return [];
  }

  /** Proxy apps have no data. */
  async removeData(): Promise<void> {}

  /** Nothing is printed. */
  async *logs(): AsyncIterable<LogLine> {}

  /** Nothing happens by itself. */
  events(signal: AbortSignal): AsyncIterable<EngineEvent> {
    return this.#hub.subscribe(AbortSignal.any([signal, this.#end.signal]));
  }

  async close(): Promise<void> {
    this.#end.abort();
  }

  async #start(request: InstanceRequest, signal: AbortSignal): Promise<RouteTarget> {
    signal.throwIfAborted();
    const record: ProxyRecord = { url: await this.#checkedUrl(request), stopped: false };
    const there = await this.#records.find(request.id);
    if (there?.url !== record.url || there.stopped) await this.#records.save(request.id, record);
    return targetOf(record);
  }

  async #checkedUrl({ id, app, spec, variables }: InstanceRequest): Promise<string> {
    // The environment's own value, where it has one; both are checked by the config dialect as far as the text tells.
    const url = variables.url ?? spec.params.url;
    const fault = typeof url === 'string' ? await this.#faultOf(url) : 'expected a URL';
    if (typeof url === 'string' && fault === undefined) return withoutSlash(url);
    throw new MainspringError('proxy-target-refused', `start "${id}" of "${app}": params url: ${fault}`, {
      hint: 'Give params = {"url": "https://…"}; what is not public must be named in [proxy] allow of mainspring.toml.',
    });
  }

  async #faultOf(url: string): Promise<string | undefined> {
    const fault = judgeTarget(url, this.#allow);
    const unix = unixTarget(url);
    if (fault !== undefined || unix === undefined) return fault;
    const real = await realSocket(unix.socket);
    return isAllowedSocket(real, this.#allow)
      ? undefined
      : `expected a Unix socket that [proxy] allow names, itself or a folder above it; "${unix.socket}" leads to "${real}"`;
  }
}

function stateOf(record: ProxyRecord): InstanceState {
  return record.stopped ? { state: 'exited', reason: 'stopped' } : { state: 'running', target: targetOf(record) };
}

function targetOf(record: ProxyRecord): RouteTarget {
  return { kind: 'http', url: record.url, external: true };
}

function withoutSlash(url: string): string {
  return (unixTarget(url) === undefined ? new URL(url).href : url).replace(/\/$/, '');
}
