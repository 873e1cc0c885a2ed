import { resolve } from 'node:path';
import { parseRepoUrl } from '../model/source-url.ts';
import { type Check, parsedText, wrong } from './checks.ts';

const REPO_FORM = 'the URL or the path of a repo';

/** A path; a relative one is taken from the folder of the settings file. */
export function pathFrom(folder: string): Check<string> {
  return parsedText('a path', (text) => {
    if (text === '' || text.includes('\0')) return undefined;
    if (text.startsWith('~')) return wrong('a path', { hint: '"~" is not expanded here: write the path in full.' });
    return resolve(folder, text);
  });
}

/** `auto`, `off`, or the absolute path of a container engine's socket. */
export function engineSocket(folder: string): Check<string> {
  return parsedText('"auto", "off" or the path of a socket such as "/var/run/docker.sock"', (text) => {
    if (text === 'auto' || text === 'off') return text;
    const path = text.replace(/^unix:\/\//, '');
    return path.includes('/') ? resolve(folder, path) : undefined;
  });
}

/** `off`, or the absolute path of a file. */
export function offOrFile(folder: string): Check<string> {
  return parsedText('"off" or the path of a file', (text) => {
    if (text === 'off') return text;
    return text === '' || text.endsWith('/') || text.startsWith('~') ? undefined : resolve(folder, text);
  });
}

/** The config repo: a URL normalised, a path made absolute. */
export function repoFrom(folder: string): Check<string> {
  return parsedText(REPO_FORM, (text) => {
    if (text === '') return undefined;
    if (text.startsWith('~')) return wrong(REPO_FORM, { hint: '"~" is not expanded here: write the path in full.' });
    const parsed = parseRepoUrl(isPath(text) ? resolve(folder, text) : text);
    if (parsed.kind === 'repo') return parsed.url as string;
    const hint = parsed.hint === null ? {} : { hint: parsed.hint };
    return wrong(`${REPO_FORM}, but it ${parsed.fault}`, { isSecret: /:\/\/[^/]*@/.test(text), ...hint });
  });
}

// As in `app()`: `github.com/acme/config` is a host and a path. A folder whose name has a dot is written `./my.folder`.
function isPath(text: string): boolean {
  if (text.startsWith('/') || text === '.' || text === '..' || /^\.\.?\//.test(text)) return true;
  return !text.startsWith('-') && /^[\w-]+(?:\/|$)/.test(text) && !/[:@]/.test(text);
}

/** Whether a repo, as `repoFrom` gives it, lies on this machine. */
export function isLocalRepo(repo: string): boolean {
  return repo.startsWith('/');
}

const PREFIX_FORM = 'the URL below which the credential is sent, such as "https://git.example.com/acme/"';

/** The URL prefix of a credential. */
export const urlPrefix: Check<string> = parsedText(PREFIX_FORM, (text) => {
  if (/^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:(?!\/\/)/.test(text)) return text;
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.password !== '' || (url.username !== '' && url.protocol !== 'ssh:')) {
    return wrong('a URL without user name and password', { isSecret: true });
  }
  const isPlain = url.hostname !== '' && url.search === '' && url.hash === '';
  return isPlain && ['https:', 'http:', 'ssh:'].includes(url.protocol) ? text : undefined;
});

/** Whether a credential's prefix is reached over ssh. */
export function isSshPrefix(prefix: string): boolean {
  return prefix.startsWith('ssh:') || !prefix.includes('://');
}
