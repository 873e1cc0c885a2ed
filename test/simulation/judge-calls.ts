import type { InstanceId } from '../../src/model/ids.ts';
import type { FakeCall } from '../../src/runtime/fake/fake-engine.ts';
import type { RecordedView } from '../../src/store/recorded.ts';
import type { ChangeJudge } from './judge-changes.ts';
import type { SleepJudge } from './judge-sleep.ts';
import { DRAIN_MS } from './sim-settings.ts';
import type { SimWorld } from './sim-world.ts';
import type { Verdict } from './verdict.ts';

/** Looks at every call of an engine before it happens: each effect has its intent, written down. */
export class CallJudge {
  readonly #world: SimWorld;
  readonly #changes: ChangeJudge;
  readonly #sleep: SleepJudge;
  readonly #verdict: Verdict;

  constructor(world: SimWorld, changes: ChangeJudge, sleep: SleepJudge, verdict: Verdict) {
    this.#world = world;
    this.#changes = changes;
    this.#sleep = sleep;
    this.#verdict = verdict;
  }

  onCall({ method, subject }: FakeCall, recorded: RecordedView): void {
    const { disk } = this.#world;
    switch (method) {
      case 'build':
        this.#intent(method, subject, disk.stateOf('artifacts', subject), ['building']);
        return;
      case 'start':
        this.#intent(method, subject, disk.stateOf('instances', subject), ['starting']);
        this.#onStart(subject, recorded);
        return;
      case 'stop':
        this.#intent(method, subject, disk.stateOf('instances', subject), ['stopping']);
        this.#onStop(subject as InstanceId);
        return;
      case 'pause':
        this.#intent(method, subject, disk.stateOf('instances', subject), ['pausing']);
        this.#sleep.onPause(subject as InstanceId);
        return;
      case 'remove':
        this.#intent(method, subject, disk.stateOf('instances', subject), ['removing', undefined]);
        return;
      case 'removeArtifact':
        this.#intent(method, subject, disk.stateOf('artifacts', subject), ['removing', undefined]);
        this.#onArtifactRemoval(subject, recorded);
        return;
      case 'removeData':
        this.#intent(method, subject, disk.stateOf('retained', subject), ['removing']);
        this.#onDataRemoval(subject);
        return;
      default:
        return;
    }
  }

  /** `undefined` among the right ones: what no row owns may go as well. */
  #intent(method: string, subject: string, state: string | undefined, right: readonly (string | undefined)[]): void {
    this.#verdict.expect(
      right.includes(state),
      () => `${method} of ${subject} without its intent: ${state ?? 'no row'} is written down`,
    );
  }

  #onStart(id: string, recorded: RecordedView): void {
    const row = recorded.instances.get(id);
    if (row === undefined) return;
    const deployment = recorded.deployment(row.env, row.app);
    this.#verdict.expect(
      deployment?.live?.instance === id ||
        !this.#changes.isQuarantined(`${row.env} ${row.app}`, deployment?.next?.target),
      () => `${row.app}: is started again although it was quarantined and nothing else is wanted of it`,
    );
    const data = deployment === undefined ? undefined : recorded.retained.get(deployment.dataName);
    this.#verdict.expect(data === undefined, () => `${row.app}: is started on data that is ${data?.state}`);
  }

  #onStop(id: InstanceId): void {
    this.#sleep.onStop(id);
    const { gateway, clock } = this.#world;
    const at = this.#changes.retiredAt(id);
    const isLate = at !== undefined && clock.now() >= at + DRAIN_MS;
    this.#verdict.expect(!gateway.routes(id), () => `stop of ${id} while requests are still led to it`);
    const inFlight = gateway.inFlight.get(id) ?? 0;
    this.#verdict.expect(
      inFlight === 0 || isLate,
      () => `stop of ${id} with ${inFlight} requests in flight and time left`,
    );
  }

  #onArtifactRemoval(key: string, recorded: RecordedView): void {
    const user = [...recorded.deployments.values()].find((deployment) => deployment.live?.target.artifact === key);
    this.#verdict.expect(user === undefined, () => `removal of artifact ${key}, which ${user?.app} runs`);
    const instance = [...this.#world.engine.instances.values()].find(
      ({ running, request }) => running && request.artifact.key === key && recorded.instances.has(request.id),
    );
    this.#verdict.expect(instance === undefined, () => `removal of artifact ${key}, from which an instance runs`);
  }

  #onDataRemoval(name: string): void {
    this.#world.everHadData.delete(name);
    const user = [...this.#world.engine.instances.values()].find(
      ({ running, request }) => running && request.dataName === name,
    );
    this.#verdict.expect(user === undefined, () => `removal of data ${name}, which ${user?.request.app} uses`);
  }
}
