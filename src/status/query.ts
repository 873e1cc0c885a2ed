import { MainspringError } from '../model/errors.ts';
import { isCommitId } from '../model/ids.ts';
import type { AuditFilter, ExplainQuery, LogsQuery } from '../model/surface.ts';

/** The query of a request, as it was parsed. */
export type RawQuery = Readonly<Record<string, unknown>>;

const MOST_LINES = 100_000;

/** `?commit=SHA` of `status`. */
export function statusQuery(raw: RawQuery): { readonly commit: string | null } {
  const { commit } = texts(raw, ['commit']);
  if (commit === undefined) return { commit: null };
  if (!isCommitId(commit)) throw usage('commit', 'a full commit id', commit);
  return { commit };
}

/** `?ref=REF` of `plan`. A folder is never taken: it would be one of the daemon's machine. */
export function planQuery(raw: RawQuery): { readonly ref: string | null } {
  const { ref } = texts(raw, ['ref']);
  if (ref !== undefined && (ref === '' || ref.startsWith('-'))) throw usage('ref', 'a branch or a commit', ref);
  return { ref: ref ?? null };
}

/** `?env=ENV` of `tip`. */
export function tipQuery(raw: RawQuery): { readonly env: string | null } {
  return { env: texts(raw, ['env']).env ?? null };
}

/** What `explain` is asked for. */
export function explainQuery(raw: RawQuery): ExplainQuery {
  const { app, env } = texts(raw, ['app', 'env']);
  if (app === undefined || app === '') throw usage('app', 'the id of an app', app ?? '');
  return { app, env: env ?? null };
}

/** The filter of `audit`. */
export function auditQuery(raw: RawQuery): AuditFilter {
  const { app, env, since, after, limit } = texts(raw, ['app', 'env', 'since', 'after', 'limit']);
  if (since !== undefined && Number.isNaN(Date.parse(since))) throw usage('since', 'a time in ISO 8601', since);
  return {
    app: app ?? null,
    env: env ?? null,
    since: since === undefined ? null : new Date(since).toISOString(),
    ...(after === undefined ? {} : { after: count('after', after, Number.MAX_SAFE_INTEGER) }),
    ...(limit === undefined ? {} : { limit: count('limit', limit, Number.MAX_SAFE_INTEGER) }),
  };
}

/** What `logs` is asked for. */
export function logsQuery(raw: RawQuery): LogsQuery {
  const { app, env, build, follow, tail } = texts(raw, ['app', 'env', 'build', 'follow', 'tail']);
  if (app === undefined || app === '') throw usage('app', 'the id of an app', app ?? '');
  return {
    app,
    env: env ?? 'prod',
    build: flag('build', build),
    follow: flag('follow', follow),
    tail: tail === undefined ? 200 : count('tail', tail, MOST_LINES),
  };
}

function texts<const N extends string>(raw: RawQuery, names: readonly N[]): Partial<Record<N, string>> {
  for (const [name, value] of Object.entries(raw)) {
    if (!names.some((known) => known === name)) {
      throw new MainspringError('usage', `"${name}" can't be asked for here`, {
        hint: names.length === 0 ? 'This takes nothing.' : `This takes ${names.join(', ')}.`,
      });
    }
    if (typeof value !== 'string') throw usage(name, 'given once', '…');
  }
  return raw as Partial<Record<N, string>>;
}

function count(name: string, text: string, most: number): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(value) || value > most) throw usage(name, `a whole number up to ${most}`, text);
  return value;
}

function flag(name: string, text: string | undefined): boolean {
  if (text === undefined || text === '0') return false;
  if (text === '1') return true;
  throw usage(name, '0 or 1', text);
}

function usage(name: string, expected: string, found: string): MainspringError {
  return new MainspringError('usage', `${name}: should be ${expected}, got ${JSON.stringify(found)}`);
}
