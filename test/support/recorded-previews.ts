import type { Desired } from '../../src/model/desired.ts';
import { type AppId, type EnvName, type InstanceId, PROD } from '../../src/model/ids.ts';
import type { Plan } from '../../src/model/plan.ts';
import type { NextState, RecordedDeployment } from '../../src/model/recorded.ts';
import type { RecordedFacts } from '../../src/model/snapshot.ts';
import { tidyEnvironments } from '../../src/reconcile/accept/environments.ts';
import { tidyReleases } from '../../src/reconcile/accept/releases.ts';
import { plan } from '../../src/reconcile/plan.ts';
import { drop, put } from '../../src/store/changes.ts';
import { Recorded } from '../../src/store/recorded.ts';
import { finish } from './declarations.ts';
import { acceptPlan, instance, live } from './recorded.ts';

/** What is recorded in a world in which it is said what becomes of each deployment, or all is done at once. */
export class RecordedPreviews extends Recorded {
  /** As of now: what is recorded later does not change it. */
  facts(): RecordedFacts {
    const { environments, deployments, releases, artifacts } = this;
    return {
      environments: new Map(environments),
      deployments: new Map(deployments),
      releases: new Map(releases),
      artifacts: new Map(artifacts),
    };
  }

  /** Writes down what is to be done. */
  accept(desired: Desired, at: number): Plan {
    const value = finish(plan(desired, this.facts(), at));
    acceptPlan(value, this, desired);
    return value;
  }

  /** All that is on its way is live, and what is to go is gone. */
  finish(): void {
    for (const row of [...this.deployments.values()]) {
      if (row.next?.removes === true) this.apply(drop('deployment', row));
      else if (row.next?.target != null)
        this.apply(put('deployment', { ...row, live: live(row.next.target), next: null }));
    }
    for (const change of [...tidyReleases(this, { atomic: true }), ...tidyEnvironments(this)]) this.apply(change);
  }

  /** All that is desired is there. */
  takeOver(desired: Desired, at: number): void {
    this.accept(desired, at);
    this.finish();
  }

  /** Something becomes of what is on its way for an app. */
  becomes(app: string, state: NextState['state'], edit: Partial<NextState> = {}, env: EnvName = PROD): void {
    const row = this.of(app, env);
    if (row.next === null) throw new Error(`nothing is on its way for ${app}`);
    const id = `i-${env}-${app}-${row.next.generation}` as InstanceId;
    const runs = state === 'ready' && row.next.instance === null && row.next.target !== null;
    if (runs && row.next.target !== null)
      this.apply(
        put('instance', instance({ id, env, app: row.app, target: row.next.target, generation: row.next.generation })),
      );
    const next = { ...row.next, state, ...(runs ? { instance: id } : {}), ...edit };
    this.apply(put('deployment', { ...row, next }));
  }

  /** The row of an app. */
  of(app: string, env: EnvName = PROD): RecordedDeployment {
    const row = this.deployment(env, app as AppId);
    if (row === undefined) throw new Error(`no ${app} in ${env}`);
    return row;
  }
}
