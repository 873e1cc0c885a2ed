import { readFile } from 'node:fs/promises';
import { MainspringError } from '../model/errors.ts';
import type { GitCredential } from '../model/settings.ts';
import type { RepoUrl } from '../model/source.ts';
import { transportOf } from '../model/source-url.ts';
import type { RepoAccess } from './git.ts';

/** A URL taken apart as far as a prefix needs it. `user` is null where none is given. */
interface Place {
  readonly scheme: string;
  readonly user: string | null;
  readonly host: string;
  readonly segments: readonly string[];
}

/**
 * The credential for a repo: the one named, or the one with the longest prefix that fits, or null. What is named must exist
 * (`git-auth-unknown`) and fit (`git-auth-refused`): a branch's config cannot send a credential anywhere else.
 */
export function chooseCredential(
  access: RepoAccess,
  known: Readonly<Record<string, GitCredential>>,
): GitCredential | null {
  if (access.auth === null) return longestFit(access.repo, Object.values(known));
  const named = Object.hasOwn(known, access.auth) ? known[access.auth] : undefined;
  if (named === undefined) {
    throw new MainspringError(
      'git-auth-unknown',
      `git_auth "${access.auth}" of "${access.repo}": not in the settings`,
      {
        hint: `Add a section [git_auth.${access.auth}], or name one of: ${Object.keys(known).join(', ') || '(there is none)'}.`,
      },
    );
  }
  if (fits(named, access.repo)) return named;
  throw new MainspringError('git-auth-refused', `git_auth "${access.auth}" may not be used for "${access.repo}"`, {
    hint: `It is bound to "${named.urlPrefix}" by url_prefix, and a token goes with http(s), a key with ssh.`,
  });
}

function longestFit(repo: RepoUrl, known: readonly GitCredential[]): GitCredential | null {
  let best: GitCredential | null = null;
  for (const credential of known) {
    if (!fits(credential, repo)) continue;
    if (best === null || prefixLength(credential) > prefixLength(best)) best = credential;
  }
  return best;
}

function prefixLength(credential: GitCredential): number {
  const place = placeOf(credential.urlPrefix);
  return place === undefined ? -1 : place.segments.length * 2 + (place.user === null ? 0 : 1);
}

function fits(credential: GitCredential, repo: RepoUrl): boolean {
  const transport = transportOf(repo);
  const fitting = transport === 'http' ? credential.tokenFile : transport === 'ssh' ? credential.sshKeyFile : null;
  return fitting !== null && isBelowPrefix(repo, credential.urlPrefix);
}

/** Whether a URL lies below a prefix: same scheme, host and port, path by whole segments (`/data` is not above `/database`). */
export function isBelowPrefix(url: string, prefix: string): boolean {
  const place = placeOf(url);
  const above = placeOf(prefix);
  if (place === undefined || above === undefined) return false;
  if (place.scheme !== above.scheme || place.host !== above.host) return false;
  if (above.user !== null && above.user !== place.user) return false;
  return above.segments.every((segment, index) => place.segments[index] === segment);
}

function placeOf(url: string): Place | undefined {
  const scp = /^([^/@:]+)@([^/@:]+):(.*)$/.exec(url);
  if (scp !== null) return { scheme: 'ssh:', user: scp[1] ?? '', host: lower(scp[2]), segments: segmentsOf(scp[3]) };
  if (!URL.canParse(url)) return undefined;
  const parsed = new URL(url);
  if (parsed.host === '' || parsed.password !== '' || parsed.search !== '' || parsed.hash !== '') return undefined;
  const host = parsed.protocol === 'ssh:' ? lower(parsed.host).replace(/:22$/, '') : parsed.host;
  return {
    scheme: parsed.protocol,
    user: parsed.username === '' ? null : parsed.username,
    host,
    segments: segmentsOf(parsed.pathname),
  };
}

function lower(text: string | undefined): string {
  return (text ?? '').toLowerCase();
}

function segmentsOf(path: string | undefined): readonly string[] {
  return (path ?? '').split('/').filter((segment) => segment !== '');
}

/** An `Authorization` header, and what must be kept out of every message. */
export interface Authorization {
  readonly header: string;
  readonly secrets: readonly string[];
}

/** The header for a credential: basic with a user name, else bearer. Its file is read now and not kept. */
export async function readAuthorization(credential: GitCredential): Promise<Authorization> {
  const token = await readToken(credential);
  if (credential.username === null) return { header: `Bearer ${token}`, secrets: [token] };
  const encoded = Buffer.from(`${credential.username}:${token}`).toString('base64');
  return { header: `Basic ${encoded}`, secrets: [token, encoded] };
}

async function readToken(credential: GitCredential): Promise<string> {
  const refused = (why: string, cause?: unknown) =>
    new MainspringError('git-auth-refused', `token file of the git credential for "${credential.urlPrefix}": ${why}`, {
      cause,
      retry: 'after-interval',
      hint: `Check token_file ("${credential.tokenFile ?? ''}"): one line that holds the token, readable by the daemon.`,
    });
  let text: string;
  try {
    text = await readFile(credential.tokenFile ?? '', 'utf8');
  } catch (error) {
    throw refused('cannot be read', error);
  }
  const token = text.replace(/\r?\n$/, '');
  if (token === '' || /\p{Cc}/u.test(token)) throw refused('is empty or holds control characters');
  return token;
}

/** The command that git starts for ssh: one key and no other, known hosts only, nothing asked, no configuration or agent of the user. */
export function sshCommand(keyFile: string | null): string {
  const key = keyFile === null ? ['-o', 'IdentityFile=none'] : ['-i', keyFile];
  const options = ['BatchMode=yes', 'StrictHostKeyChecking=yes', 'IdentitiesOnly=yes', 'IdentityAgent=none'];
  const words = [
    'ssh',
    '-F',
    'none',
    ...key,
    ...options.flatMap((option) => ['-o', option]),
    '-o',
    'ConnectTimeout=20',
  ];
  // git hands this to a shell.
  return words.map((word) => (/^[\w=./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
}
