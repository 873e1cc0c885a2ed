import { z } from 'zod';
import type { Json, JsonObject } from './json.ts';

// The contract that others script against: `status --json`, `plan --json`, `audit --json` and the same values over HTTP. Names
// are only ever added. The schemas let unknown names pass, so that an older client reads what a newer daemon says.

const list = <T extends z.ZodType>(item: T) => z.array(item).readonly();

/** What made something happen. */
export const CauseSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('commit'),
    repo: z.string(),
    ref: z.string(),
    commit: z.string(),
    author: z.string().nullable(),
    pull: z.number().nullable(),
  }),
  z.object({ kind: z.literal('bootstrap') }),
  z.object({ kind: z.literal('observation'), what: z.string() }),
]);

/** One error of a config tree. */
export const ErrorSchema = z.object({
  code: z.string(),
  file: z.string(),
  line: z.number().nullable(),
  message: z.string(),
  hint: z.string().nullable(),
});
export type SurfaceError = z.infer<typeof ErrorSchema>;

const ArtifactSchema = z.object({ key: z.string(), digest: z.string().nullable() });

/** What a plan's step leads from or to. */
export const SideSchema = z.object({
  revision: z.string(),
  artifact: ArtifactSchema,
  config_commit: z.string(),
  source_commit: z.string().nullable(),
});

const ConditionSchema = z.object({ reason: z.string(), message: z.string(), since: z.string() });

const LiveSchema = z.object({
  ...SideSchema.shape,
  since: z.string(),
  asleep: z.boolean(),
  /** Why what is live is not as it should be; null when all is well. */
  condition: ConditionSchema.nullable(),
});

const NextSchema = z.object({
  /** Null, with the three after it, while an app is removed or it can't be said what it should be. */
  revision: z.string().nullable(),
  artifact: ArtifactSchema.nullable(),
  config_commit: z.string().nullable(),
  source_commit: z.string().nullable(),
  state: z.enum(['waiting', 'building', 'starting', 'verifying', 'ready', 'held', 'quarantined', 'removing']),
  /** Since when it is wanted: the age of a removal that is retried, say. */
  since: z.string().optional(),
  reason: z.string().nullable(),
  release: z.string().nullable(),
});

/** One app in one environment. */
export const DeploymentSchema = z.object({
  app: z.string(),
  url: z.string(),
  live: LiveSchema.nullable(),
  next: NextSchema.nullable(),
});
export type StatusDeployment = z.infer<typeof DeploymentSchema>;

/** One environment. */
export const EnvironmentSchema = z.object({
  name: z.string(),
  kind: z.enum(['prod', 'stage', 'preview']),
  parked: z.boolean(),
  /** Which limit parks it; null: none does. */
  parked_why: z.string().nullable().optional(),
  /** Since when it is being removed; null: it is not. */
  ending_since: z.string().nullable().optional(),
  /** Where a preview comes from; null for prod and stage. */
  cause: CauseSchema.nullable(),
  /** Errors of the environment's own config (previews of a config change). */
  errors: list(ErrorSchema).optional(),
  deployments: list(DeploymentSchema),
});
export type StatusEnvironment = z.infer<typeof EnvironmentSchema>;

/** A release that is not done. */
export const ReleaseSchema = z.object({
  id: z.string(),
  env: z.string(),
  state: z.string(),
  members: list(z.string()),
  blocked_by: list(z.string()),
  removal_hash: z.string().nullable(),
});

/** A repo that is followed; the config repo is one of them. */
export const SourceSchema = z.object({
  repo: z.string(),
  /** When its newest good listing was asked for; null before there is one. */
  as_of: z.string().nullable(),
  /** What the last attempt ran into; null if it went well. */
  error: z.object({ code: z.string(), message: z.string(), hint: z.string().nullable() }).nullable(),
});

/**
 * What is known of a commit that was asked about: `current`: it is what its repo's followed ref points to, or another `branch`.
 * `superseded`: it was; `by` says which commit took its place (null: the branch is gone). `unknown`: neither can be said.
 */
export const AboutSchema = z.object({
  commit: z.string(),
  role: z.enum(['config', 'source', 'unknown']),
  state: z.enum(['current', 'superseded', 'unknown']),
  by: z.string().nullable(),
  /** The branch that it is on; null: one that is followed. */
  branch: z.string().nullable().optional(),
  /** The preview of that branch; null: it has none (yet). */
  env: z.string().nullable().optional(),
  /** Whether the deployments of that preview speak of it already. */
  planned: z.boolean().optional(),
  /** Why the branch has no preview, for as long as nothing changes. */
  why: z.string().nullable().optional(),
});

/** `status --json` and `GET /api/v1/status`. */
export const StatusSchema = z.object({
  version: z.string(),
  config: z.object({
    repo: z.string(),
    branch: z.string(),
    /** The newest commit that was seen. */
    commit: z.string().nullable(),
    /** The newest commit that evaluated. */
    accepted: z.string().nullable(),
    /** The newest accepted commit whose plan is recorded: from then on `next` of each deployment speaks of it. */
    planned: z.string().nullable(),
    /** Of `commit`, if it was rejected. */
    errors: list(ErrorSchema),
  }),
  settled: z.boolean(),
  environments: list(EnvironmentSchema),
  releases: list(ReleaseSchema),
  sources: list(SourceSchema),
  audit: z.object({ head: z.string() }),
  /** Settings that are accepted but have no effect in this version. */
  not_in_effect: list(z.string()).optional(),
  /** Only when a commit was asked about. */
  about: AboutSchema.optional(),
});
export type Status = z.infer<typeof StatusSchema>;

/** One step of a plan. */
export const PlanStepSchema = z.object({
  kind: z.enum(['create', 'update', 'remove']),
  env: z.string(),
  app: z.string(),
  changed: list(z.string()),
  from: SideSchema.nullable(),
  to: SideSchema.nullable(),
  /** `policy`: rows change, nothing is started. */
  effect: z.enum(['instance', 'policy']).optional(),
  /** `reuse`: what it runs is built already, or is by then; with `because`. */
  build: z.enum(['reuse', 'build']).optional(),
  because: z.string().optional(),
  /** What each of `changed` was and is to be. */
  changes: list(z.object({ argument: z.string(), from: z.custom<Json>(), to: z.custom<Json>() })).optional(),
  /** The release that it switches with; null: by itself. */
  release: z.string().nullable().optional(),
  /** Why the step waits for a change in git. */
  held: z.string().nullable().optional(),
  /** What was found out, and arguments that have no effect yet. */
  notes: list(z.string()).optional(),
});
export type PlanStep = z.infer<typeof PlanStepSchema>;

/** `plan --json` and `GET /api/v1/plan`. */
export const PlanSchema = z.object({
  config_commit: z.string().nullable(),
  steps: list(PlanStepSchema),
  summary: z.object({ create: z.number(), update: z.number(), remove: z.number(), blocked: z.number() }),
  /** Apps of which it can't be said now what should run. What runs goes on. */
  blocked: list(
    z.object({ env: z.string(), app: z.string(), code: z.string(), message: z.string(), hint: z.string().nullable() }),
  ),
  /** Targets on their way that would be given up. */
  cancelled: list(z.object({ env: z.string(), app: z.string() })),
  /** What switches as one, and who keeps it from switching: those of this plan, and those on their way that it leaves alone. */
  releases: list(
    z.object({
      id: z.string(),
      env: z.string(),
      members: list(z.string()),
      joins: list(z.string()),
      blocked_by: list(z.string()),
    }),
  ).optional(),
  /** What `release(allow_removal = …)` must say for a set of removals that is held; null if none is. */
  removal_hash: z.string().nullable(),
  /** Why the config would be rejected; then there are no steps. */
  errors: list(ErrorSchema),
  /** Remarks on the plan as a whole. */
  notes: list(z.string()),
  /** Settings that are accepted but have no effect in this version. */
  not_in_effect: list(z.string()),
});
export type PlanDocument = z.infer<typeof PlanSchema>;

/** One line of `audit --json` and `GET /api/v1/audit`. docs/audit.md lists the kinds. */
export const AuditLineSchema = z.object({
  id: z.number(),
  at: z.string(),
  kind: z.string(),
  env: z.string().nullable(),
  app: z.string().nullable(),
  cause: CauseSchema,
  detail: z.custom<JsonObject>((value) => typeof value === 'object' && value !== null && !Array.isArray(value)),
  prev: z.string(),
  hash: z.string(),
});
export type AuditLine = z.infer<typeof AuditLineSchema>;

/** `explain --json` and `GET /api/v1/explain`: why an app is as it is, in each environment that was asked about. */
export const ExplainSchema = z.object({
  app: z.string(),
  environments: list(
    z.object({
      env: z.string(),
      kind: z.enum(['prod', 'stage', 'preview']),
      url: z.string(),
      /** The chain of causes, for people: what is live and where it came from, what is next and why it waits. */
      sentences: list(z.string()),
      live: LiveSchema.nullable(),
      next: NextSchema.nullable(),
      /** The last events of it there, oldest first. */
      events: list(AuditLineSchema),
    }),
  ),
});
export type Explanation = z.infer<typeof ExplainSchema>;

/** One line of what an instance or a build printed, as `GET /api/v1/logs` gives it. */
export const LogLineSchema = z.object({
  at: z.string().nullable(),
  stream: z.enum(['stdout', 'stderr']),
  text: z.string(),
});
export type SurfaceLogLine = z.infer<typeof LogLineSchema>;

/** What the API answers when it can't: `{ error: … }`. */
export const ApiErrorSchema = z.object({
  error: z.object({ code: z.string(), message: z.string(), hint: z.string().nullable() }),
});

/** `GET /api/v1/tip`: the followed branch, listed now. */
export const TipSchema = z.object({ commit: z.string() });

/** Which lines of the audit log. */
export interface AuditFilter {
  readonly app: string | null;
  readonly env: string | null;
  /** ISO 8601; lines from then on. */
  readonly since: string | null;
  /** Lines after this id. */
  readonly after?: number;
  readonly limit?: number;
}

/** Of which app, and where; null: in all environments that have it. */
export interface ExplainQuery {
  readonly app: string;
  readonly env: string | null;
}

/** Which log of an app, and how much of it. */
export interface LogsQuery {
  readonly app: string;
  readonly env: string;
  readonly build: boolean;
  readonly follow: boolean;
  readonly tail: number;
}
