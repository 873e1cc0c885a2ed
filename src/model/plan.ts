import type { Cause } from './cause.ts';
import type { Target } from './desired.ts';
import type { Problem } from './errors.ts';
import type { AppId, CommitId, EnvName } from './ids.ts';
import type { RecordedEnvironment } from './recorded.ts';

/** What a step leads from or to, as people and scripts see it. */
export interface PlanSide {
  readonly revision: string;
  readonly artifact: { readonly key: string; readonly digest: string | null };
  readonly config_commit: string;
  readonly source_commit: string | null;
}

interface StepBase {
  readonly env: EnvName;
  readonly app: AppId;
  readonly from: PlanSide | null;
  readonly cause: Cause;
}

/** One step from recorded to desired. */
export type Step =
  | (StepBase & {
      readonly release: string | null;
      readonly kind: 'create' | 'update';
      readonly to: PlanSide;
      readonly target: Target;
      readonly changed: readonly string[];
      readonly effect: 'instance' | 'policy';
    })
  | (StepBase & {
      readonly kind: 'remove';
      readonly release: string | null;
      readonly to: null;
      readonly changed: readonly [];
      readonly held: string | null;
      /** The hash with which main let go of the set that this removal is in. */
      readonly allowed?: string;
    })
  /** It can't be said now what should run: noted on the deployment, what runs goes on. */
  | (StepBase & {
      readonly kind: 'blocked';
      readonly release: string | null;
      readonly to: null;
      readonly changed: readonly [];
      readonly problem: Problem;
    })
  /** A target that was on its way is not wanted any more; what is live is what is wanted. */
  | (StepBase & { readonly kind: 'cancel'; readonly to: PlanSide | null; readonly changed: readonly [] })
  /** Its environment is parked: it is stopped, and its data kept. */
  | (StepBase & { readonly kind: 'park'; readonly to: null; readonly changed: readonly [] });

/** One change of an environment as such. */
export interface EnvironmentStep {
  /** `settle`: only what is noted of it changes. */
  readonly kind: 'open' | 'settle' | 'park' | 'unpark' | 'end';
  readonly env: EnvName;
  /** What is to be recorded of it. */
  readonly row: RecordedEnvironment;
  /** Why, for people: the evidence of its end, the limit that parks it. */
  readonly why: string | null;
  readonly cause: Cause;
}

/** Steps of one environment that switch as one. */
export interface ReleaseStep {
  readonly id: string;
  readonly env: EnvName;
  readonly cause: Cause;
  /** Its members, with those that it has already. */
  readonly members: readonly AppId[];
  /** Releases whose members become members of this one. */
  readonly joins: readonly string[];
}

/** The ordered steps from recorded to desired: a plain value that is printed, compared, audited and applied. */
export interface Plan {
  readonly configCommit: CommitId | null;
  readonly environments: readonly EnvironmentStep[];
  readonly releases: readonly ReleaseStep[];
  readonly steps: readonly Step[];
  /** The removal brake: the hash of the set that is held, or null. */
  readonly removalHash: string | null;
}
