import type { HealthPolicy, IdlePolicy } from './app.ts';
import type { Cause } from './cause.ts';
import type { Problem } from './errors.ts';
import type { AppId, ArtifactKey, CommitId, EnvName, RevisionHash } from './ids.ts';
import type { ArtifactInputs, InstanceValues, RevisionSpec } from './revision.ts';
import type { RepoUrl } from './source.ts';

/** What holds for a deployment without being part of its revision. A change of it changes rows, never an instance. */
export interface Policy {
  /** Where it is reached: full host and path. */
  readonly host: string;
  readonly path: string;
  readonly stripPath: boolean;
  /** The file a static tree serves for what does not exist; null: 404. */
  readonly fallback: string | null;
  readonly health: HealthPolicy;
  readonly idle: IdlePolicy;
  readonly verify: boolean | readonly string[];
  readonly strategy: 'blue_green' | 'replace';
  readonly promote: 'on_merge' | 'pinned';
}

/** What should run for one app in one environment. */
export interface Target {
  readonly revision: RevisionHash;
  readonly revisionSpec: RevisionSpec;
  readonly artifact: ArtifactKey;
  readonly inputs: ArtifactInputs;
  /** Where the files of `inputs.tree` come from; null where the spec needs none. */
  readonly source: { readonly repo: RepoUrl; readonly auth: string | null; readonly commit: CommitId } | null;
  readonly values: InstanceValues;
  readonly policy: Policy;
  readonly configCommit: CommitId;
  readonly sourceCommit: CommitId | null;
  /** The commits that said so: of the config repo, and of the source where that is another repo. */
  readonly causes: { readonly config: Cause; readonly source: Cause | null };
  /** Hash of the instance description: revision and values. */
  readonly instanceHash: string;
  /** Hash of policy. Two targets with equal instance and policy hashes are the same target, whatever commits they come from. */
  readonly policyHash: string;
  /** What `auto` found, and arguments without effect yet, for the plan. */
  readonly notes: readonly string[];
}

/** One app in one environment: what should run, or why that can't be said now (then what runs goes on). */
export interface DesiredDeployment {
  readonly env: EnvName;
  readonly app: AppId;
  readonly want: Target | { readonly problem: Problem; readonly configCommit: CommitId; readonly cause: Cause };
}

/** One environment that should exist. */
export interface DesiredEnvironment {
  readonly name: EnvName;
  readonly kind: 'prod' | 'stage' | 'preview';
  readonly cause: Cause | null;
  readonly deployments: readonly DesiredDeployment[];
}

/** What should be. Null from `desire` means: nothing is known yet, so nothing is wanted and nothing is removed. */
export interface Desired {
  readonly configCommit: CommitId;
  /** The commit that is followed. */
  readonly cause: Cause;
  readonly environments: readonly DesiredEnvironment[];
  readonly allowRemoval: string | null;
}

/** Whether the deployment's target is known. */
export function isTarget(want: DesiredDeployment['want']): want is Target {
  return 'revision' in want;
}
