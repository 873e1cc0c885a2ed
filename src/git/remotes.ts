import type { GitCredential } from '../model/settings.ts';
import type { RepoUrl } from '../model/source.ts';
import type { Remote } from './bare-repo.ts';
import { isBelowPrefix, readAuthorization, sshCommand } from './credentials.ts';
import { gitEnvironment, type HostEnvironment } from './git-environment.ts';

/**
 * How the system's git reaches an HTTP repo. The header is given in the environment, for this one URL: never among the
 * arguments, where every user of the machine could read it, and never in a file. git follows no redirects then, for it would
 * send the header along.
 */
export async function httpRemote(
  url: string,
  credential: GitCredential | null,
  host: HostEnvironment,
  marker: Readonly<Record<string, string>>,
): Promise<Remote> {
  const protocols = [url.startsWith('https:') ? 'https' : 'http'];
  if (credential === null || !isBelowPrefix(url, credential.urlPrefix)) {
    return { url, env: { ...gitEnvironment(host, { protocols }), ...marker }, secrets: [] };
  }
  const { header, secrets } = await readAuthorization(credential);
  const config = [[`http.${url}.extraHeader`, `Authorization: ${header}`]] as const;
  return { url, env: { ...gitEnvironment(host, { protocols, config }), ...marker }, secrets };
}

/** How the system's git reaches a repo by ssh: with the key of its credential, or with none at all. */
export function sshRemote(
  repo: RepoUrl,
  credential: GitCredential | null,
  host: HostEnvironment,
  marker: Readonly<Record<string, string>>,
): Remote {
  const command = sshCommand(credential?.sshKeyFile ?? null);
  return {
    url: repo,
    env: { ...gitEnvironment(host, { protocols: ['ssh'], sshCommand: command }), ...marker },
    secrets: [],
  };
}
