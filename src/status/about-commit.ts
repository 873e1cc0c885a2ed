import type { Status } from '../model/surface.ts';
import { type Connection, sql } from '../store/database.ts';
import type { RecordedView } from '../store/recorded.ts';

type About = NonNullable<Status['about']>;

/** What is known of a commit: whether it is what its repo's followed ref points to, or was before. */
export function aboutCommit(commit: string, recorded: RecordedView, connection: Connection): About {
  const { config } = recorded;
  if (config.seen === commit) return { commit, role: 'config', state: 'current', by: null };
  for (const { resolved } of recorded.sources.values()) {
    if (resolved?.commit === commit) return { commit, role: 'source', state: 'current', by: null };
  }
  const cause = causeOf(commit, connection);
  if (cause === null) return { commit, role: 'unknown', state: 'unknown', by: null };
  if (cause.repo === configRepo(recorded)) return { commit, role: 'config', state: 'superseded', by: config.seen };
  const successor = [...recorded.sources.values()].find(
    ({ repo, resolved }) => repo === cause.repo && resolved !== null,
  );
  return { commit, role: 'source', state: 'superseded', by: successor?.resolved?.commit ?? null };
}

function configRepo(recorded: RecordedView): string | null {
  const { seenCause } = recorded.config;
  return seenCause?.kind === 'commit' ? seenCause.repo : null;
}

/** The repo of a commit that once caused something. */
function causeOf(commit: string, connection: Connection): { readonly repo: string } | null {
  const kinds = ['config.accepted', 'config.rejected', 'deployment.planned'];
  const rows = connection.all<{ cause: string }>(
    sql
      .selectFrom('audit')
      .select('cause')
      .where('kind', 'in', kinds)
      .where('cause', 'like', `%"commit":"${commit}"%`)
      .orderBy('id', 'desc')
      .limit(1),
  );
  const [row] = rows;
  return row === undefined ? null : (JSON.parse(row.cause) as { repo: string });
}
