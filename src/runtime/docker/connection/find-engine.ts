import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Variables of the environment, as `main.ts` read them. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** Where certificates for an engine behind TLS lie. */
export interface TlsFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Where an engine is. */
export type EngineAddress =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls: TlsFiles | null };

/** What was found, or in words why nothing was. */
export type FoundEngine =
  | { readonly address: EngineAddress; readonly from: string }
  | { readonly address: null; readonly fault: string };

/**
 * Finds the engine as the docker CLI does: `DOCKER_HOST`, then the current context, then the usual sockets, rootless ones and Podman's
 * after Docker's. Looks at files only; whether it answers is another matter. A setting other than `auto` is the path of a socket.
 */
export function findEngine(setting: string, env: Variables): FoundEngine {
  if (setting !== 'auto') return { address: { kind: 'socket', path: setting }, from: '[engines] docker' };
  const host = env.DOCKER_HOST;
  if (host !== undefined && host !== '') return ofUrl(host, tlsOfEnvironment(env), 'DOCKER_HOST');
  const context = contextName(env);
  if (context !== undefined) return ofContext(context, env);
  const path = usualSockets(env).find((socket) => existsSync(socket));
  if (path !== undefined) return { address: { kind: 'socket', path }, from: 'the usual places' };
  return { address: null, fault: `no socket at ${usualSockets(env).join(', ')}` };
}

/** The sockets that are looked for, in order. */
export function usualSockets({ XDG_RUNTIME_DIR: runtime, HOME: home }: Variables): readonly string[] {
  return [
    '/var/run/docker.sock',
    ...(runtime ? [join(runtime, 'docker.sock')] : []),
    ...(home ? [join(home, '.docker', 'run', 'docker.sock')] : []),
    '/run/podman/podman.sock',
    ...(runtime ? [join(runtime, 'podman', 'podman.sock')] : []),
  ];
}

/** The folder of the docker CLI's own settings. */
export function dockerConfigDir({ DOCKER_CONFIG: configured, HOME: home }: Variables): string {
  return configured || join(home ?? '/root', '.docker');
}

/** The CLI's `config.json`; empty where there is none that can be read. */
export function readDockerConfig(env: Variables): Readonly<Record<string, unknown>> {
  const parsed = readJson(join(dockerConfigDir(env), 'config.json'));
  return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
}

function contextName(env: Variables): string | undefined {
  const name = env.DOCKER_CONTEXT || readDockerConfig(env).currentContext;
  return typeof name === 'string' && name !== '' && name !== 'default' ? name : undefined;
}

function ofContext(name: string, env: Variables): FoundEngine {
  const id = createHash('sha256').update(name).digest('hex');
  const folder = join(dockerConfigDir(env), 'contexts');
  const meta = readJson(join(folder, 'meta', id, 'meta.json')) as
    | { Endpoints?: { docker?: { Host?: unknown } } }
    | undefined;
  const host = meta?.Endpoints?.docker?.Host;
  if (typeof host !== 'string') return { address: null, fault: `docker context "${name}" has no endpoint` };
  return ofUrl(host, tlsIn(join(folder, 'tls', id, 'docker')), `docker context "${name}"`);
}

function ofUrl(text: string, tls: TlsFiles | null, from: string): FoundEngine {
  const unix = /^unix:\/\/(.*)$/.exec(text)?.[1];
  if (unix !== undefined) {
    return { address: { kind: 'socket', path: unix === '' ? '/var/run/docker.sock' : unix }, from };
  }
  const url = URL.parse(text.includes('://') ? text : `tcp://${text}`);
  if (url === null || !['tcp:', 'http:', 'https:'].includes(url.protocol) || url.hostname === '') {
    return { address: null, fault: `${from} names "${text}"; expected unix://PATH or tcp://HOST:PORT` };
  }
  const port = Number(url.port) || (tls === null ? 2375 : 2376);
  return { address: { kind: 'tcp', host: url.hostname, port, tls }, from };
}

function tlsOfEnvironment(env: Variables): TlsFiles | null {
  if (!env.DOCKER_TLS_VERIFY) return null;
  return filesIn(env.DOCKER_CERT_PATH || dockerConfigDir(env));
}

function tlsIn(folder: string): TlsFiles | null {
  return existsSync(join(folder, 'ca.pem')) ? filesIn(folder) : null;
}

function filesIn(folder: string): TlsFiles {
  return { ca: join(folder, 'ca.pem'), cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
