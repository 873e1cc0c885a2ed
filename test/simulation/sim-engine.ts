import type { InstanceId } from '../../src/model/ids.ts';
import type { Artifact } from '../../src/model/revision.ts';
import type { RouteTarget } from '../../src/model/routing.ts';
import type { BuildRequest, InstanceRequest } from '../../src/runtime/engine.ts';
import { FakeEngine } from '../../src/runtime/fake/fake-engine.ts';
import type { FakeBehaviour } from '../../src/runtime/fake/fake-world.ts';
import type { Behaviour } from './events.ts';

/** What the code of a folder does when it runs; `attempt` counts the starts of one instance. */
export const RUNS: Readonly<Record<Behaviour, (attempt: number) => FakeBehaviour>> = {
  ok: () => ({}),
  slow: () => ({ healthy: { afterMs: 3_000 } }),
  crashy: (attempt) => (attempt <= 2 ? { dies: 'at-start' } : {}),
  flaky: (attempt) => (attempt <= 2 ? { dies: { afterMs: 6_000 } } : {}),
  stubborn: () => ({ ignoresTerm: true }),
  shallow: () => ({}),
  sick: () => ({ healthy: 'never' }),
  mute: () => ({ healthy: 'never' }),
  dead: () => ({ dies: 'at-start' }),
  broken: () => ({}),
};

/** An engine that says when two calls for one subject run side by side that must not. */
export class SimEngine extends FakeEngine {
  onOverlap: (what: string) => void = () => {};
  readonly #underWay = new Map<string, number>();

  override build(request: BuildRequest, signal: AbortSignal): Promise<Artifact> {
    return this.#alone(`build of ${request.key}`, () => super.build(request, signal));
  }

  override start(request: InstanceRequest, signal: AbortSignal): Promise<RouteTarget> {
    return this.#alone(`start of ${request.id}`, () => super.start(request, signal));
  }

  protected override thaw(id: InstanceId, signal: AbortSignal): Promise<boolean> {
    return this.#alone(`start of ${id}`, () => super.thaw(id, signal));
  }

  override stop(id: InstanceId, options: { readonly graceMs: number }): Promise<void> {
    if (this.#underWay.has(`start of ${id}`)) this.onOverlap(`start and stop of ${id}`);
    return super.stop(id, options);
  }

  async #alone<T>(what: string, run: () => Promise<T>): Promise<T> {
    const others = this.#underWay.get(what) ?? 0;
    if (others > 0) this.onOverlap(`a second ${what}`);
    this.#underWay.set(what, others + 1);
    try {
      return await run();
    } finally {
      const left = (this.#underWay.get(what) ?? 1) - 1;
      if (left > 0) this.#underWay.set(what, left);
      else this.#underWay.delete(what);
    }
  }
}
