import { readFile } from 'node:fs/promises';
import type { AuthConfig } from 'dockerode';
import { execa } from 'execa';
import { MainspringError } from '../../../model/errors.ts';
import type { RegistryCredential } from '../../../model/settings.ts';
import { readDockerConfig, type Variables } from '../connection/find-engine.ts';

/** A credential, and where it is from. */
export interface Credential {
  readonly config: AuthConfig;
  /** The setting, file or program, for people. */
  readonly from: string;
  /** What of it to look at where it is refused. */
  readonly fix: string;
}

/** Finds the credential for a registry. Nothing is kept: files and helpers are read each time. */
export type RegistryAuth = (host: string) => Promise<Credential | undefined>;

const HELPER_MS = 15_000;
// What the docker CLI calls Docker Hub.
const HUB = 'https://index.docker.io/v1/';

/** `[registry.NAME]` first, then what `docker login` left: a helper for the host, the helper for all, the file. */
export function registryAuth(registries: Readonly<Record<string, RegistryCredential>>, env: Variables): RegistryAuth {
  return async (host) => {
    const named = Object.entries(registries).find(([, registry]) => plainHost(registry.host) === plainHost(host));
    return named === undefined ? ofDockerConfig(host, env) : ofSettings(named[0], named[1]);
  };
}

async function ofSettings(name: string, { host, username, passwordFile }: RegistryCredential): Promise<Credential> {
  const password = await readFile(passwordFile, 'utf8').catch((error: unknown) => {
    throw new MainspringError('build-failed', `[registry.${name}]: the password file can't be read`, {
      cause: error,
      hint: `Look at "${passwordFile}" and its permissions.`,
      retry: 'after-interval',
    });
  });
  const serveraddress = plainHost(host) === 'docker.io' ? HUB : host;
  return {
    config: { username, password: password.replace(/\r?\n$/, ''), serveraddress },
    from: `[registry.${name}]`,
    fix: `username and password_file of [registry.${name}] in mainspring.toml`,
  };
}

async function ofDockerConfig(host: string, env: Variables): Promise<Credential | undefined> {
  const config = readDockerConfig(env);
  const address = plainHost(host) === 'docker.io' ? HUB : host;
  const helper =
    textIn(config.credHelpers, host) ?? (typeof config.credsStore === 'string' ? config.credsStore : undefined);
  const helped = helper === undefined ? undefined : await askHelper(helper, address, env);
  if (helped !== undefined) {
    const from = `docker-credential-${helper}`;
    return { config: helped, from, fix: `what ${from} keeps: "docker login ${host}" sets it` };
  }
  const auths = isTable(config.auths) ? config.auths : {};
  const entry = [address, host, `https://${host}`, `https://${host}/v1/`, `https://${host}/v2/`]
    .map((key) => auths[key])
    .find(isTable);
  const found = entry === undefined ? undefined : ofEntry(entry, address);
  const fix = `the docker config of the user of the daemon: "docker login ${host}" sets it`;
  return found === undefined ? undefined : { config: found, from: 'the docker config', fix };
}

function ofEntry(entry: Readonly<Record<string, unknown>>, serveraddress: string): AuthConfig | undefined {
  const token = entry.identitytoken;
  if (typeof token === 'string' && token !== '')
    return { identitytoken: token, serveraddress } as unknown as AuthConfig;
  const [, username, password] =
    /^([^:]*):([\s\S]*)$/.exec(Buffer.from(String(entry.auth ?? ''), 'base64').toString()) ?? [];
  return username === undefined || password === undefined ? undefined : { username, password, serveraddress };
}

/** Asks a credential helper, the name of the registry on its input. One that knows nothing of it says so by its exit code. */
async function askHelper(name: string, address: string, env: Variables): Promise<AuthConfig | undefined> {
  if (!/^[A-Za-z0-9._-]+$/.test(name)) return undefined;
  const { PATH, HOME } = env;
  const options = {
    input: address,
    env: { PATH, HOME },
    extendEnv: false,
    timeout: HELPER_MS,
    maxBuffer: 64 * 1024,
    reject: false,
  };
  const { stdout, failed } = await execa(`docker-credential-${name}`, ['get'], options);
  if (failed) return undefined;
  try {
    const { Username: username, Secret: secret } = JSON.parse(String(stdout)) as Readonly<Record<string, unknown>>;
    if (typeof username !== 'string' || typeof secret !== 'string') return undefined;
    if (username === '<token>') return { identitytoken: secret, serveraddress: address } as unknown as AuthConfig;
    return { username, password: secret, serveraddress: address };
  } catch {
    return undefined;
  }
}

function plainHost(host: string): string {
  return ['docker.io', 'index.docker.io', 'registry-1.docker.io'].includes(host) ? 'docker.io' : host;
}

function textIn(table: unknown, key: string): string | undefined {
  const value = isTable(table) ? table[key] : undefined;
  return typeof value === 'string' ? value : undefined;
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
