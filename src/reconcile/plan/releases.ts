import { sha256Hex } from '../../model/canonical.ts';
import type { Cause } from '../../model/cause.ts';
import type { AppId, EnvName } from '../../model/ids.ts';
import type { ReleaseStep, Step } from '../../model/plan.ts';
import type { RecordedDeployment, RecordedRelease } from '../../model/recorded.ts';
import type { RecordedFacts } from '../../model/snapshot.ts';
import { deploymentKey } from '../../store/tables.ts';
import { isOfSource } from './steps.ts';

/** A step that can be a member of a release. */
type Member = Extract<Step, { readonly release: string | null }>;

/** Steps with the release that each is in, and the releases. */
export interface Released {
  readonly steps: readonly Step[];
  readonly releases: readonly ReleaseStep[];
}

/**
 * Puts together what switches together: what the same move of one repo's refs changes in an environment, with all that is still
 * pending of a deployment that it changes again. What is the only one of its move goes by itself, and so does everything in an
 * environment in which nothing is live yet. Removals that the brake holds are always together.
 */
export function withReleases(
  steps: readonly Step[],
  recorded: RecordedFacts,
  { atomic }: { readonly atomic: boolean },
): Released {
  const groups = new Groups();
  const fresh = freshEnvironments(steps, recorded);
  const members = steps.filter((step): step is Member => isMember(step));
  const keys = new Map<Member, string>();
  for (const step of members) {
    const row = recorded.deployments.get(deploymentKey(step));
    const found = groupKeys(step, row, { atomic, isFresh: fresh.has(step.env) });
    const [first] = found;
    if (first === undefined) continue;
    keys.set(step, first);
    for (const key of found) groups.join(first, key);
  }
  joinForming(groups, recorded);
  const leaving = new Set(steps.filter((step) => !isMember(step)).map((step) => deploymentKey(step)));
  const made = releasesOf(keys, groups, recorded, leaving);
  const idOf = (step: Step) => {
    const key = isMember(step) ? keys.get(step) : undefined;
    return key === undefined ? null : (made.get(groups.find(key))?.id ?? null);
  };
  return {
    steps: steps.map((step) => (isMember(step) ? { ...step, release: idOf(step) } : step)),
    releases: [...made.values()],
  };
}

function isMember(step: Step): step is Member {
  return 'release' in step;
}

/** Environments in which nothing is live: there each app goes live on its own. */
function freshEnvironments(steps: readonly Step[], recorded: RecordedFacts): ReadonlySet<EnvName> {
  const fresh = new Set(steps.map(({ env }) => env));
  if (fresh.size === 0) return fresh;
  for (const row of recorded.deployments.values()) if (row.live !== null) fresh.delete(row.env);
  return fresh;
}

/** What a step is together with: the moves that it comes from, and the release that its deployment is in. */
function groupKeys(
  step: Member,
  row: RecordedDeployment | undefined,
  { atomic, isFresh }: { readonly atomic: boolean; readonly isFresh: boolean },
): string[] {
  const keys: string[] = [];
  if (step.kind === 'remove' && step.held !== null) keys.push(`${step.env} brake`);
  const release = row?.next?.release ?? null;
  if (atomic && release !== null) keys.push(releaseKey(release));
  if (atomic && !isFresh) keys.push(...movesOf(step, row).map((repo) => `${step.env} ${repo}`));
  return keys;
}

/** The repos whose move a step comes from. */
function movesOf(step: Member, row: RecordedDeployment | undefined): string[] {
  if (step.kind !== 'create' && step.kind !== 'update') return [repoOf(step.cause)];
  const { causes } = step.target;
  const current = row?.next?.target ?? row?.live?.target ?? null;
  if (causes.source === null || current === null || !isOfSource(current, step.target)) return [repoOf(causes.config)];
  const alsoConfig = step.changed.some((name) => name !== 'source');
  return [repoOf(causes.source), ...(alsoConfig ? [repoOf(causes.config)] : [])];
}

function repoOf(cause: Cause): string {
  return cause.kind === 'commit' ? cause.repo : '';
}

function releaseKey(id: string): string {
  return `release ${id}`;
}

/** A release of which not all members are written down yet is one with whatever its environment's moves bring now. */
function joinForming(groups: Groups, recorded: RecordedFacts): void {
  for (const { id, env, state } of recorded.releases.values()) {
    if (state !== 'forming') continue;
    for (const key of groups.keys()) if (key.startsWith(`${env} `)) groups.join(releaseKey(id), key);
  }
}

function releasesOf(
  keys: ReadonlyMap<Member, string>,
  groups: Groups,
  recorded: RecordedFacts,
  leaving: ReadonlySet<string>,
): ReadonlyMap<string, ReleaseStep> {
  const byRoot = new Map<string, Member[]>();
  for (const [step, key] of keys) {
    const root = groups.find(key);
    const siblings = byRoot.get(root);
    if (siblings === undefined) byRoot.set(root, [step]);
    else siblings.push(step);
  }
  const pending = byRoot.size === 0 ? new Map<string, AppId[]>() : membersByRelease(recorded, leaving);
  const made = new Map<string, ReleaseStep>();
  for (const [root, steps] of byRoot) {
    const known = [...recorded.releases.values()].filter(
      ({ id }) => groups.has(releaseKey(id)) && groups.find(releaseKey(id)) === root,
    );
    const members = new Set([...steps.map(({ app }) => app), ...known.flatMap(({ id }) => pending.get(id) ?? [])]);
    const [first] = steps;
    if (first === undefined || members.size < 2) continue;
    const [oldest, ...others] = known.sort(byAge);
    const id = oldest?.id ?? newId(steps);
    made.set(root, {
      id,
      env: first.env,
      cause: oldest?.cause ?? first.cause,
      members: [...members].sort(),
      joins: others.map((release) => release.id),
    });
  }
  return made;
}

function byAge(a: RecordedRelease, b: RecordedRelease): number {
  return a.since - b.since || (a.id < b.id ? -1 : 1);
}

/** Who is in which release, but for those that this plan takes out of it. */
function membersByRelease(recorded: RecordedFacts, leaving: ReadonlySet<string>): Map<string, AppId[]> {
  const found = new Map<string, AppId[]>();
  for (const [key, { app, next }] of recorded.deployments) {
    if (next?.release == null || leaving.has(key)) continue;
    const siblings = found.get(next.release);
    if (siblings === undefined) found.set(next.release, [app]);
    else siblings.push(app);
  }
  return found;
}

/** The same for the same moves in the same environment, however often they are planned. */
function newId(steps: readonly Member[]): string {
  const moves = new Set(
    steps.map(({ env, cause }) => `${env} ${cause.kind === 'commit' ? `${cause.repo} ${cause.commit}` : ''}`),
  );
  return `r${sha256Hex([...moves].sort().join('\n')).slice(0, 11)}`;
}

/** Sets of keys that belong together (union-find). */
class Groups {
  readonly #parents = new Map<string, string>();

  keys(): readonly string[] {
    return [...this.#parents.keys()];
  }

  has(key: string): boolean {
    return this.#parents.has(key);
  }

  /** One key of the set that holds this one, the same for all of it. */
  find(key: string): string {
    let root = key;
    for (
      let parent = this.#parents.get(root);
      parent !== undefined && parent !== root;
      parent = this.#parents.get(root)
    )
      root = parent;
    this.#parents.set(key, root);
    return root;
  }

  join(a: string, b: string): void {
    this.#parents.set(this.find(b), this.find(a));
  }
}
