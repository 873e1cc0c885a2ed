import { MainspringError } from '../model/errors.ts';
import type { RepoUrl } from '../model/source.ts';

/** What git's own words say about a failed run. They are in English, since we set `LC_ALL=C`. */
export type FailureKind =
  /** The server does not give out commits by their id. */
  | 'by-id-refused'
  /** The server does not have that commit (any more). */
  | 'gone'
  | 'auth'
  /** The network, or the server. */
  | 'transport'
  /** Anything else: the mirror itself may be broken. */
  | 'unknown';

const PATTERNS: readonly (readonly [FailureKind, RegExp])[] = [
  ['by-id-refused', /unadvertised object|want [0-9a-f]{40,64} not valid|does not support (?:fetching|requesting)/i],
  ['gone', /not our ref|couldn't find remote ref|no such remote ref/i],
  [
    'auth',
    /Authentication failed|could not read (?:Username|Password)|returned error: 40[13]\b|Permission denied|Host key verification failed/i,
  ],
  [
    'transport',
    /unable to access|Could not (?:resolve|read from remote)|Connection |early EOF|hung up|RPC failed|returned error: \d|unexpected disconnect|bad line length|protocol error|redirect|not found|SSL|TLS|operation timed out|No space left/i,
  ],
];

/** Reads git's words. */
export function failureKind(stderr: string): FailureKind {
  return PATTERNS.find(([, pattern]) => pattern.test(stderr))?.[0] ?? 'unknown';
}

/** The error of an operation on a repo that the other side refused or never answered. */
export function remoteFailure(
  code: 'git-list-failed' | 'git-fetch-failed',
  repo: RepoUrl,
  stderr: string,
): MainspringError {
  const verb = code === 'git-list-failed' ? 'list' : 'fetch';
  if (failureKind(stderr) === 'auth') return authFailure(`${verb} "${repo}": ${lastWords(stderr)}`);
  return new MainspringError(code, `${verb} "${repo}": ${lastWords(stderr)}`, {
    retry: 'after-interval',
    hint: 'Does the repo exist, and can this machine reach it? See `mainspring doctor`.',
  });
}

/** The error of a credential that the server does not take, or misses. */
export function authFailure(message: string): MainspringError {
  return new MainspringError('git-auth-refused', message, {
    retry: 'after-interval',
    hint: 'Check the [git_auth] section whose url_prefix fits: its token or key, and what that may read.',
  });
}

/** The last lines that git said, without its prefixes; what a server says in them is cut short. */
export function lastWords(stderr: string): string {
  const lines = stderr.split(/[\r\n]+/).map((line) => line.replace(/^(?:fatal|error|warning): /, '').trim());
  const said = lines.filter((line) => line !== '' && !/^(?:Please make sure|and the repository exists)/.test(line));
  const words = said
    .slice(-3)
    .join('; ')
    .replace(/\p{Cc}/gu, ' ');
  return words === '' ? 'git failed without a word' : words.slice(0, 500);
}

/** Takes secrets out of a text: a server may say back what it was sent. */
export function redact(text: string, secrets: readonly string[]): string {
  return secrets.reduce((rest, secret) => (secret === '' ? rest : rest.replaceAll(secret, '***')), text);
}
