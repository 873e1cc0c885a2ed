import type { ArtifactKey, InstanceId } from '../../src/model/ids.ts';
import type { EngineName } from '../../src/model/revision.ts';
import type { EngineEvent, InstanceState, ListedInstance } from '../../src/runtime/engine.ts';
import { FakeEngine } from '../../src/runtime/fake/fake-engine.ts';
import { FakeWorld } from '../../src/runtime/fake/fake-world.ts';
import type { SimClock } from '../simulation/sim-clock.ts';

/** An engine that has what a test says it has. Calls are written down. */
export class ListedEngine extends FakeEngine {
  readonly instances = new Map<InstanceId, InstanceState>();
  readonly artifacts = new Set<ArtifactKey>();
  readonly calls: string[] = [];
  /** Runs while the engine is asked what artifacts it has: after its instances were listed. */
  meanwhile: () => void | Promise<void> = () => {};
  /** Makes the streams of events, one each time they are listened to. */
  stream: (signal: AbortSignal) => AsyncIterable<EngineEvent> = silence;

  constructor(clock: SimClock, name: EngineName = 'static') {
    super(new FakeWorld(() => ({})), clock, { name });
  }

  override async list(): Promise<readonly ListedInstance[]> {
    this.calls.push('list');
    return [...this.instances].map(([id, state]) => ({ id, state }));
  }

  override async listArtifacts(): Promise<readonly ArtifactKey[]> {
    await this.meanwhile();
    return [...this.artifacts];
  }

  override async hasArtifact(key: ArtifactKey): Promise<boolean> {
    return this.artifacts.has(key);
  }

  override async remove(id: InstanceId): Promise<void> {
    this.calls.push(`remove ${id}`);
    this.instances.delete(id);
  }

  override async removeArtifact(key: ArtifactKey): Promise<void> {
    this.calls.push(`removeArtifact ${key}`);
    this.artifacts.delete(key);
  }

  override events(signal: AbortSignal): AsyncIterable<EngineEvent> {
    return this.stream(signal);
  }
}

async function* silence(signal: AbortSignal): AsyncGenerator<EngineEvent> {
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
