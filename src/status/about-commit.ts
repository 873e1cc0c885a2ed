import { branchOf } from '../model/environment.ts';
import { tipOf } from '../model/source.ts';
import type { Status } from '../model/surface.ts';
import { type Connection, sql } from '../store/database.ts';
import type { RecordedView } from '../store/recorded.ts';

type About = NonNullable<Status['about']>;

/** How it stands with the preview of a branch. */
export interface Standing {
  readonly env: string | null;
  readonly planned: boolean;
  readonly why: string | null;
  /** The repos in which a branch of this name is what production follows. */
  readonly followedIn: readonly string[];
}

/** What saying something about a commit needs. */
export interface AboutFacts {
  readonly recorded: RecordedView;
  readonly connection: Connection;
  /** The config repo and its followed branch. */
  readonly repo: string;
  readonly branch: string;
  readonly standingOf: (branch: string) => Standing;
}

/** What is known of a commit: whether it is what its repo's followed ref points to, the newest of another branch, or was before. */
export function aboutCommit(commit: string, facts: AboutFacts): About {
  const { recorded, repo, branch } = facts;
  const { config } = recorded;
  const onMain = { commit, state: 'current', by: null, branch: null } as const;
  const listing = recorded.repos.get(repo)?.listing ?? null;
  if (config.seen === commit || (listing !== null && tipOf(listing, branch) === commit))
    return { ...onMain, role: 'config' };
  // A folder of the config repo is known by the commit that last changed it, which main may have left long ago.
  for (const { repo: source, resolved } of recorded.sources.values())
    if (source !== repo && resolved?.commit === commit) return { ...onMain, role: 'source' };
  return aboutHead(commit, facts) ?? aboutFormer(commit, facts);
}

/** A commit that a branch points to which is not followed: of several branches, one that has a preview. */
function aboutHead(commit: string, { recorded, repo: configRepo, standingOf }: AboutFacts): About | null {
  const found = [...recorded.repos.values()].flatMap(({ repo, listing }) =>
    Object.entries(listing?.branches ?? {}).flatMap(([branch, head]) => (head === commit ? [{ repo, branch }] : [])),
  );
  const all = found.map(({ repo, branch }): About => {
    const { followedIn, ...standing } = standingOf(branch);
    const of = { commit, role: repo === configRepo ? 'config' : 'source', state: 'current', by: null } as const;
    return followedIn.includes(repo) ? { ...of, branch: null, why: null } : { ...of, branch, ...standing };
  });
  return (
    all.find(({ branch }) => branch === null) ??
    all.find(({ env }) => env != null) ??
    all.find(({ why }) => why == null) ??
    all[0] ??
    null
  );
}

function aboutFormer(commit: string, { recorded, connection, repo: configRepo }: AboutFacts): About {
  const cause = causeOf(commit, connection);
  if (cause === null) return { commit, role: 'unknown', state: 'unknown', by: null };
  const role = cause.repo === configRepo ? 'config' : 'source';
  const { listing } = recorded.repos.get(cause.repo) ?? { listing: null };
  if (cause.isOfPreview) {
    const by = (listing === null ? undefined : tipOf(listing, cause.ref)) ?? null;
    const env = [...recorded.environments.values()].find(({ identity }) => branchOf(identity) === cause.ref)?.name;
    return { commit, role, state: 'superseded', by, branch: cause.ref, env: env ?? null };
  }
  if (role === 'config') return { commit, role, state: 'superseded', by: recorded.config.seen, branch: null };
  const successor = [...recorded.sources.values()].find(
    ({ repo, resolved }) => repo === cause.repo && resolved !== null,
  );
  return { commit, role, state: 'superseded', by: successor?.resolved?.commit ?? null, branch: null };
}

interface FormerCause {
  readonly repo: string;
  readonly ref: string;
  readonly isOfPreview: boolean;
}

/** The repo and ref of a commit that once caused something. */
function causeOf(commit: string, connection: Connection): FormerCause | null {
  const kinds = [
    ...['config.accepted', 'config.rejected', 'deployment.planned'],
    ...['environment.opened', 'environment.rejected'],
  ];
  const rows = connection.all<{ cause: string; env: string | null }>(
    sql
      .selectFrom('audit')
      .select(['cause', 'env'])
      .where('kind', 'in', kinds)
      .where('cause', 'like', `%"commit":"${commit}"%`)
      .orderBy('id', 'desc')
      .limit(1),
  );
  const [row] = rows;
  if (row === undefined) return null;
  const { repo, ref } = JSON.parse(row.cause) as { repo: string; ref: string };
  return { repo, ref, isOfPreview: row.env !== null && row.env !== 'prod' && row.env !== 'stage' };
}
