import type { SourceDeclaration } from './app.ts';
import { type CommitId, isCommitId } from './ids.ts';
import type { RepoUrl } from './source.ts';

/** Why a text was refused, in words that finish "source "…": …", and what to write instead. */
export interface SourceFault {
  readonly kind: 'fault';
  readonly fault: string;
  readonly hint: string | null;
}

/** A repo's URL, normalised: `https://…`, `http://…`, `ssh://…`, `user@host:path`, or the absolute path of a local one. */
export interface ParsedRepo {
  readonly kind: 'repo';
  readonly url: RepoUrl;
}

const LIMIT = 2_048;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443', 'ssh:': '22' };
const SCP_LIKE = /^([^/@:]+)@([^/@:]+):(.+)$/;
const HOST_FIRST = /^(?:localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)(?::\d{1,5})?\//;

/** Parses an app's `source`: `-`, a folder of the config repo (`./apps/wiki`), or a repo, with `//folder` for a part of it. */
export function parseSource(text: string): SourceDeclaration | SourceFault {
  if (text === '-') return { kind: 'none' };
  const refused = refusedText(text);
  if (refused !== undefined) return refused;
  if (text === '.' || text.startsWith('./')) return configFolder(text);
  if (text.startsWith('..')) return fault('leaves the config repo', 'Name a folder below its root: "./apps/wiki".');
  const { repo, folder } = splitFolder(text);
  const checked = cleanFolder(folder);
  if (typeof checked !== 'string') return checked;
  const parsed = parseRepoUrl(repo);
  return parsed.kind === 'fault' ? parsed : { kind: 'repo', url: parsed.url, folder: checked };
}

/** Parses and normalises the URL or absolute path of a repo. Nothing that git would take for an option, a command or a password passes. */
export function parseRepoUrl(text: string): ParsedRepo | SourceFault {
  const refused = refusedText(text);
  if (refused !== undefined) return refused;
  if (/^[A-Za-z0-9+.-]*::/.test(text)) {
    return fault('names a transport helper, which can run commands', 'Use an https:// or ssh:// URL.');
  }
  if (text.startsWith('/')) return localPath(text);
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(text)?.[1]?.toLowerCase();
  if (scheme !== undefined) return withScheme(text, scheme);
  const scp = SCP_LIKE.exec(text);
  if (scp !== null) return scpLike(scp[1] ?? '', scp[2] ?? '', scp[3] ?? '');
  if (HOST_FIRST.test(text)) return withScheme(`https://${text}`, 'https');
  return fault('is neither a repo nor a folder', 'Write "github.com/acme/wiki", an absolute path, or "./apps/wiki".');
}

/** Checks a `git_commit`: the full id of a commit. */
export function parseCommit(text: string): { readonly kind: 'commit'; readonly commit: CommitId } | SourceFault {
  const lower = text.toLowerCase();
  if (isCommitId(lower)) return { kind: 'commit', commit: lower };
  return fault('should be the full id of a commit, 40 (or 64) hex digits', 'See `git rev-parse HEAD`.');
}

/** What is wrong with the name of a branch by git's own rules (`git check-ref-format`), or undefined. */
export function branchFault(name: string): SourceFault | undefined {
  if (name === '') return fault('is empty', null);
  if (name.startsWith('-')) return fault('starts with "-", which git takes for an option', null);
  if (name.startsWith('refs/heads/')) return fault('should be the name alone', `Write "${name.slice(11)}".`);
  if (hasControls(name) || /[ ~^:?*[\\]|\.\.|@\{|\/\/|^\/|\/$|\.$|^@$/.test(name)) {
    return fault('holds characters that no branch name may hold', 'See `git help check-ref-format`.');
  }
  if (name.split('/').some((part) => part.startsWith('.') || part.endsWith('.lock'))) {
    return fault('has a part that starts with "." or ends in ".lock"', 'See `git help check-ref-format`.');
  }
  return undefined;
}

/** The scheme that a normalised repo is reached by. */
export function transportOf(repo: RepoUrl): 'http' | 'ssh' | 'local' {
  if (repo.startsWith('/')) return 'local';
  return /^https?:/.test(repo) ? 'http' : 'ssh';
}

function fault(what: string, hint: string | null): SourceFault {
  return { kind: 'fault', fault: what, hint };
}

function refusedText(text: string): SourceFault | undefined {
  if (text === '') return fault('is empty', 'Write "-" where a spec needs no source.');
  if (text.length > LIMIT) return fault(`is longer than ${LIMIT} characters`, null);
  if (text.startsWith('-')) return fault('starts with "-", which git takes for an option', null);
  if (hasControls(text) || /\s/.test(text)) return fault('holds white space or control characters', null);
  if (!text.isWellFormed()) return fault('holds characters that are not Unicode', null);
  if (text.includes('\\')) return fault('holds a backslash', 'Separate folders with "/".');
  return undefined;
}

function hasControls(text: string): boolean {
  return /\p{Cc}/u.test(text);
}

/** `//` splits repo and folder; the one after a scheme, and one at the start (a label of Starlark), do not count. */
function splitFolder(text: string): { readonly repo: string; readonly folder: string } {
  const from = text.includes('://') ? text.indexOf('://') + 3 : 1;
  const at = text.indexOf('//', from);
  return at < 0 ? { repo: text, folder: '' } : { repo: text.slice(0, at), folder: text.slice(at + 2) };
}

function configFolder(text: string): SourceDeclaration | SourceFault {
  const folder = cleanFolder(text.slice(2));
  return typeof folder === 'string' ? { kind: 'config', folder } : folder;
}

function cleanFolder(text: string): string | SourceFault {
  const folder = text.endsWith('/') ? text.slice(0, -1) : text;
  if (folder === '') return '';
  return badSegment(folder.split('/')) ?? folder;
}

function badSegment(segments: readonly string[]): SourceFault | undefined {
  if (segments.includes('')) return fault('has an empty segment', 'Separate folders with single slashes.');
  if (segments.includes('.') || segments.includes('..')) return fault('has "." or ".." as a segment', null);
  if (segments.some((segment) => segment.toLowerCase() === '.git')) return fault('names a ".git" folder', null);
  return undefined;
}

function localPath(text: string): ParsedRepo | SourceFault {
  if (text.startsWith('//')) return fault('starts with "//"', 'An absolute path starts with one slash.');
  const path = text.replace(/\/+$/, '');
  if (path === '') return fault('is the root of the file system', null);
  // A path may end in ".git": that is how a repo's own folder is often named.
  const segments = path.slice(1).split('/');
  if (segments.includes('')) return fault('has an empty segment', null);
  if (segments.includes('.') || segments.includes('..')) return fault('has "." or ".." as a segment', null);
  return { kind: 'repo', url: path as RepoUrl };
}

function withScheme(text: string, scheme: string): ParsedRepo | SourceFault {
  if (scheme === 'file') return fileUrl(text);
  if (scheme !== 'https' && scheme !== 'http' && scheme !== 'ssh') {
    return fault(`has the scheme "${scheme}://", which is not supported`, 'Use https, http, ssh, file or a path.');
  }
  if (text.includes('?') || text.includes('#')) return fault('has a query or a fragment', null);
  if (!URL.canParse(text)) return fault('is not a URL', null);
  return remoteUrl(new URL(text), text);
}

function fileUrl(text: string): ParsedRepo | SourceFault {
  const rest = text.slice('file://'.length).replace(/^localhost\//, '/');
  if (!rest.startsWith('/')) return fault('names a host in a file:// URL', 'Write file:///path, with three slashes.');
  if (rest.includes('%')) return fault('is a file:// URL with "%" in it', 'Write the path itself.');
  return localPath(rest);
}

function remoteUrl(url: URL, text: string): ParsedRepo | SourceFault {
  if (url.password !== '' || (url.username !== '' && url.protocol !== 'ssh:')) {
    return fault('holds a credential', 'Put it into a [git_auth.NAME] section of the settings, bound to a url_prefix.');
  }
  if (!/^(?:[A-Za-z0-9._][A-Za-z0-9._-]*)?$/.test(url.username)) return fault('has an odd user name', null);
  const hostname = url.hostname.toLowerCase();
  if (!isHost(hostname)) return fault('has no valid host name', null);
  // `new URL` would resolve dot segments silently, so the text as written is looked at.
  const written = text.slice(text.indexOf('://') + 3).replace(/^[^/]*/, '');
  const path = url.pathname.replace(/\/+$/, '');
  const bad = badUrlPath(written, path) ?? tooDeepForGithub(hostname, path);
  if (bad !== undefined) return bad;
  const user = url.username === '' ? '' : `${url.username}@`;
  const port = url.port === '' || url.port === DEFAULT_PORTS[url.protocol] ? '' : `:${url.port}`;
  return { kind: 'repo', url: `${url.protocol}//${user}${hostname}${port}${path}` as RepoUrl };
}

function badUrlPath(written: string, path: string): SourceFault | undefined {
  if (path === '') return fault('names a host but no repo', null);
  if (/%(?:2f|5c|2e|00|0a|0d)/i.test(written))
    return fault('hides a "/", "\\", "." or control character with "%"', null);
  const segments = written.replace(/\/+$/, '').slice(1).split('/');
  if (segments.includes('')) return fault('has an empty segment', null);
  if (segments.includes('.') || segments.includes('..')) return fault('has "." or ".." as a segment', null);
  return undefined;
}

// Whoever comes from elsewhere writes "github.com/acme/mono/services/reports"; GitHub would just say 404.
function tooDeepForGithub(host: string, path: string): SourceFault | undefined {
  const [owner, name, ...rest] = path.slice(1).split('/');
  if (host !== 'github.com' || rest.length === 0) return undefined;
  return fault(
    'has more than owner and name',
    `A folder follows "//": "github.com/${owner}/${name}//${rest.join('/')}".`,
  );
}

function isHost(host: string): boolean {
  return /^\[[0-9a-f:.]+\]$/.test(host) || (host.length <= 253 && /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/.test(host));
}

/** Kept as it is: `host:repos/x` is relative to the user's home, which no `ssh://` URL can say on every server. */
function scpLike(user: string, host: string, path: string): ParsedRepo | SourceFault {
  if (!/^[A-Za-z0-9._][A-Za-z0-9._-]*$/.test(user) || !isHost(host.toLowerCase())) {
    return fault('has no valid user and host before the colon', 'Write "git@host:path" or "ssh://git@host/path".');
  }
  const trimmed = path.replace(/\/+$/, '');
  const rooted = trimmed.startsWith('/');
  const bare = rooted ? trimmed.slice(1) : trimmed;
  if (bare === '' || bare.startsWith('-')) return fault('has no valid path after the colon', null);
  const segments = bare.split('/');
  if (segments.includes('')) return fault('has an empty segment', null);
  if (segments.includes('.') || segments.includes('..')) return fault('has "." or ".." as a segment', null);
  const lower = host.toLowerCase();
  return { kind: 'repo', url: (rooted ? `ssh://${user}@${lower}/${bare}` : `${user}@${lower}:${bare}`) as RepoUrl };
}
