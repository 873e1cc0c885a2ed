import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';

/** A Docker Engine, or what speaks its API, that tests may use; or why there is none. */
export type FoundEngine =
  | { readonly found: true; readonly host: string; readonly docker: Docker }
  | { readonly found: false; readonly reason: string };

/** The variable by which the suite tells its tests which engine to use: a URL as in DOCKER_HOST. */
export const dockerVariable = 'MAINSPRING_TEST_DOCKER';

const answerTimeoutMs = 5_000;

/**
 * The engine for tests: the one that the suite names, else the one that the docker command would use (DOCKER_HOST, its
 * context), else the first of the usual sockets that answers. One that is named and does not answer is an answer too:
 * no other is tried.
 */
export async function findDocker(env: NodeJS.ProcessEnv, home: string = homedir()): Promise<FoundEngine> {
  const named = namedHost(env, home);
  if (named !== undefined) {
    const error = await askFor(named.host, env);
    return error === undefined ? found(named.host, env) : missing(`${named.by} names ${named.host}, ${error}`);
  }
  const hosts = usualSockets(env, home).filter((path) => existsSync(path));
  for (const host of hosts.map((path) => `unix://${path}`)) {
    if ((await askFor(host, env)) === undefined) return found(host, env);
  }
  return missing(hosts.length === 0 ? 'there is no socket of one' : `nobody answers at ${hosts.join(', ')}`);
}

/** The path of the socket in such a URL; what is no socket stays as it is. */
export function socketOf(host: string): string {
  return host.replace(/^unix:\/\//, '');
}

/** The socket of the engine that the bench may use. Throws where there is none. */
export async function engineSocket(): Promise<string> {
  const engine = await findDocker(process.env);
  if (!engine.found)
    throw new Error(`there is no container engine: ${engine.reason}; start one, or say where in DOCKER_HOST`);
  return socketOf(engine.host);
}

/** A client for the engine at this URL; over TLS where DOCKER_TLS_VERIFY and DOCKER_CERT_PATH say so. */
export function connectDocker(host: string, env: NodeJS.ProcessEnv): Docker {
  if (host.startsWith('unix://')) return new Docker({ socketPath: host.slice('unix://'.length) });
  const { hostname, port } = new URL(host.replace(/^tcp:/, 'http:'));
  const folder = env.DOCKER_CERT_PATH;
  if ((env.DOCKER_TLS_VERIFY ?? '') === '' || folder === undefined) return new Docker({ host: hostname, port });
  const [ca, cert, key] = ['ca.pem', 'cert.pem', 'key.pem'].map((name) => readFileSync(join(folder, name)));
  return new Docker({
    host: hostname,
    port,
    protocol: 'https',
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
  });
}

/** Why the engine at this URL can't be used; undefined if it answers. */
export async function askFor(host: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  try {
    const docker = connectDocker(host, env);
    // Its types know no options of this call.
    const ping = docker.ping.bind(docker) as (options: object) => Promise<unknown>;
    await ping({ abortSignal: AbortSignal.timeout(answerTimeoutMs) });
    return undefined;
  } catch (error) {
    return `which does not answer (${(error as Error).message})`;
  }
}

function namedHost(env: NodeJS.ProcessEnv, home: string): { by: string; host: string } | undefined {
  for (const by of [dockerVariable, 'DOCKER_HOST']) {
    const host = env[by];
    if (host !== undefined && host !== '') return { by, host };
  }
  const folder = env.DOCKER_CONFIG ?? join(home, '.docker');
  const context = env.DOCKER_CONTEXT ?? readJson(join(folder, 'config.json'))?.currentContext;
  if (typeof context !== 'string' || context === '' || context === 'default') return undefined;
  const id = createHash('sha256').update(context).digest('hex');
  const host = readJson(join(folder, 'contexts/meta', id, 'meta.json'))?.Endpoints?.docker?.Host;
  return typeof host === 'string' ? { by: `the docker context "${context}"`, host } : undefined;
}

interface DockerFile {
  readonly currentContext?: unknown;
  readonly Endpoints?: { readonly docker?: { readonly Host?: unknown } };
}

function readJson(file: string): DockerFile | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function usualSockets(env: NodeJS.ProcessEnv, home: string): string[] {
  const runtime = env.XDG_RUNTIME_DIR;
  const ofUser = runtime === undefined ? [] : [join(runtime, 'docker.sock'), join(runtime, 'podman/podman.sock')];
  return ['/var/run/docker.sock', ...ofUser, join(home, '.docker/run/docker.sock'), '/run/podman/podman.sock'];
}

function found(host: string, env: NodeJS.ProcessEnv): FoundEngine {
  return { found: true, host, docker: connectDocker(host, env) };
}

function missing(reason: string): FoundEngine {
  return { found: false, reason };
}
