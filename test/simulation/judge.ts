import type { ArtifactKey, InstanceId } from '../../src/model/ids.ts';
import type { RecordedDeployment } from '../../src/model/recorded.ts';
import type { RouteTarget } from '../../src/model/routing.ts';
import type { FakeCall } from '../../src/runtime/fake/fake-engine.ts';
import type { Change } from '../../src/store/changes.ts';
import type { RecordedView } from '../../src/store/recorded.ts';
import { CallJudge } from './judge-calls.ts';
import { ChangeJudge } from './judge-changes.ts';
import { judgeLog } from './judge-log.ts';
import { RestJudge } from './judge-rest.ts';
import { SleepJudge } from './judge-sleep.ts';
import { Model } from './model.ts';
import type { SimWorld } from './sim-world.ts';
import { Verdict } from './verdict.ts';

/**
 * Says what is right, from what people pushed and from what is seen of the world: written apart from the code that it judges,
 * of which it imports nothing.
 */
export class Judge {
  readonly model: Model;
  readonly #world: SimWorld;
  readonly #verdict = new Verdict();
  readonly #changes: ChangeJudge;
  readonly #calls: CallJudge;
  readonly #rest: RestJudge;
  readonly #sleep: SleepJudge;

  constructor(world: SimWorld) {
    this.#world = world;
    this.model = new Model(world);
    this.#changes = new ChangeJudge(world, this.model, this.#verdict);
    this.#sleep = new SleepJudge(world, this.#verdict, (live) => this.#changes.wasHealthy(live));
    this.#calls = new CallJudge(world, this.#changes, this.#sleep, this.#verdict);
    this.#rest = new RestJudge(world, this.model, this.#verdict, this.#sleep);
  }

  /** What was broken, in the order it was seen. */
  get violations(): readonly string[] {
    return this.#verdict.violations;
  }

  violation(text: string): void {
    this.#verdict.violation(text);
  }

  /** What is reached there answered a probe at a path as it should. */
  onHealthy(target: RouteTarget, path: string): void {
    this.#changes.onHealthy(target, path);
  }

  /** A controller starts and has read what is recorded. `isTorn`: its last write may have been done without anybody having heard of it. */
  onBoot(recorded: RecordedView, options: { readonly isTorn: boolean }): void {
    this.#changes.onBoot(recorded, options);
  }

  /** A transaction was written. */
  onChange(changes: readonly Change[], recorded: RecordedView): void {
    for (const change of changes) {
      if ('put' in change && change.put === 'deployment')
        this.#sleep.onDeployment(change.row, this.#changes.before(change.row), changes);
      if ('put' in change && change.put === 'instance')
        this.#sleep.onInstance(change.row, this.#changes.instanceBefore(change.row.id), changes);
    }
    this.#changes.onChange(changes, recorded);
  }

  /** A request is led to an instance. */
  onRequest(instance: InstanceId): void {
    this.#sleep.onRequest(instance);
  }

  /** An engine is about to be asked for something. */
  onEngineCall(call: FakeCall, recorded: RecordedView): void {
    this.#calls.onCall(call, recorded);
  }

  /** Where an app was live last, or was to be. */
  placeOf(of: Pick<RecordedDeployment, 'env' | 'app'>): string | undefined {
    return this.#changes.placeOf(of);
  }

  /** The artifacts that a deployment ran, newest first, each once. */
  pastOf(dataName: string): readonly ArtifactKey[] {
    return this.#changes.pastOf(dataName);
  }

  /** Whoever asks for what is asleep is served. */
  wakeAll(): Promise<void> {
    return this.#sleep.wakeAll();
  }

  /** Whoever asks for what is parked has it back. */
  callParked(): Promise<void> {
    return this.#sleep.callParked();
  }

  /** With nothing wrong any more and all the time it needs, the world is exactly what was pushed. */
  atRest(): void {
    this.#rest.atRest();
  }

  /** The log tells how everything that is there came about, and where everything else went. */
  onLog(): void {
    judgeLog(this.#world, this.#verdict);
  }

  /** After the time of retention nothing is left of what is gone. */
  afterRetention(): void {
    this.#rest.afterRetention();
  }
}
