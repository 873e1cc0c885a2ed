import type { AppLimits, HealthPolicy, IdlePolicy } from './app.ts';
import type { Cause } from './cause.ts';
import type { ConfigError } from './config.ts';
import type { EnvIdentity, EnvKind } from './environment.ts';
import type { Problem } from './errors.ts';
import type { Needs } from './git-facts.ts';
import type { AppId, ArtifactKey, CommitId, EnvName, RevisionHash } from './ids.ts';
import type { ArtifactInputs, InstanceValues, RevisionSpec } from './revision.ts';
import type { RepoUrl } from './source.ts';

/** What holds for a deployment without being part of its revision. A change of it changes rows, never an instance. */
export interface Policy {
  /** Where it is reached: full host and path. */
  readonly host: string;
  readonly path: string;
  readonly stripPath: boolean;
  /** Gateways lead the bare path to the one with a slash. Absent where they don't, so that targets of earlier versions stay what they are. */
  readonly slash?: true;
  /** The file a static tree serves for what does not exist; null: 404. */
  readonly fallback: string | null;
  readonly health: HealthPolicy;
  readonly idle: IdlePolicy;
  /** Absent where nothing is declared, so that targets of earlier versions stay what they are. */
  readonly limits?: AppLimits;
  readonly verify: boolean | readonly string[];
  readonly strategy: 'blue_green' | 'replace';
  readonly promote: 'on_merge' | 'pinned';
  /** The environment that must run the same revision, verified, before this one may; null: none. */
  readonly after: EnvName | null;
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

/** Why it can't be said now what should run: what runs goes on. */
export interface Blocked {
  readonly problem: Problem;
  readonly configCommit: CommitId;
  readonly cause: Cause;
}

/** What is left as it is: `as-is` until more is known, `parked` with nothing running. */
export interface Stay {
  readonly stay: 'as-is' | 'parked';
}

/** One app in one environment: what should run, why that can't be said, or that it stays. */
export interface DesiredDeployment {
  readonly env: EnvName;
  readonly app: AppId;
  readonly want: Target | Blocked | Stay;
}

/** One environment that should exist. */
export interface DesiredEnvironment {
  readonly name: EnvName;
  readonly kind: EnvKind;
  readonly identity: EnvIdentity;
  /** Where a preview comes from: the newest of its commits that is known. */
  readonly cause: Cause | null;
  /** The commits that a preview is derived from, by repo. */
  readonly heads: Readonly<Record<string, CommitId>>;
  /** The commit of the config repo that a preview goes by; null: main's. */
  readonly goodConfig: CommitId | null;
  /** Why the branch's config does not evaluate. */
  readonly errors: readonly ConfigError[];
  /** When it was last wanted, in milliseconds since the epoch: when its heads moved. */
  readonly activeAt: number;
  /** Why it is parked; null: it is not. */
  readonly parked: string | null;
  readonly deployments: readonly DesiredDeployment[];
}

/** A recorded environment that is to go, with the evidence. */
export interface EndedEnvironment {
  readonly name: EnvName;
  readonly why: string;
}

/** What should be. Null from `desire` means: nothing is known yet, so nothing is wanted and nothing is removed. */
export interface Desired {
  readonly configCommit: CommitId;
  /** The commit that is followed. */
  readonly cause: Cause;
  /** Deployments of these that are not named are to go. An environment that is named neither here nor in `ended` is left alone. */
  readonly environments: readonly DesiredEnvironment[];
  readonly ended: readonly EndedEnvironment[];
  readonly allowRemoval: string | null;
  /** Whether what changes together switches together. */
  readonly atomic: boolean;
  readonly needs: Needs;
}

/** Whether the deployment's target is known. */
export function isTarget(want: DesiredDeployment['want']): want is Target {
  return 'revision' in want;
}

/** Whether the deployment stays as it is. */
export function isStay(want: DesiredDeployment['want']): want is Stay {
  return 'stay' in want;
}
