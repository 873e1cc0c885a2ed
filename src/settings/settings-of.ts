import { join } from 'node:path';
import type {
  AccessLogSettings,
  GatewayLimits,
  GitCredential,
  ListenAddress,
  Settings,
  UpstreamSettings,
} from '../model/settings.ts';
import { dockerOf, registryOf } from './docker-settings.ts';
import type { Values } from './parse.ts';

const DAY_MS = 86_400_000;
const MIB = 1024 ** 2;

/** What is listened on where nothing is said. */
export const DEFAULT_LISTEN: ListenAddress = { host: '127.0.0.1', port: 8080 };
const MOST_DEFAULT_GATEWAYS = 4;

/** The three host names that the settings settle, with their defaults. */
export function domainsOf(values: Values): {
  readonly domain: string;
  readonly envDomain: string;
  readonly statusHost: string;
} {
  const domain = values.get('domain') ?? 'localhost';
  return {
    domain,
    envDomain: values.get('env_domain') ?? `env.${domain}`,
    statusHost: values.get('status.host') ?? `mainspring.${domain}`,
  };
}

/** What the settings are made from besides their values. */
export interface Surroundings {
  /** The folder that holds the file. */
  readonly folder: string;
  readonly cores: number;
  /** What was given for later versions. */
  readonly later: readonly string[];
}

const DEFAULT_PRESSURE = 0.9;

/** What is not said is by default; `off` is no share. */
function shareOf(value: number | 'off' | undefined): number | null {
  return value === 'off' ? null : (value ?? DEFAULT_PRESSURE);
}

/** The settings, from values that all passed their checks. */
export function settingsOf(values: Values, more: Surroundings): Settings {
  const { domain, envDomain, statusHost } = domainsOf(values);
  const listen = values.get('listen') ?? [DEFAULT_LISTEN];
  return {
    configRepo: values.get('config_repo') ?? '',
    branch: values.get('branch') ?? 'main',
    domain,
    envDomain,
    publicUrl: values.get('public_url') ?? defaultPublicUrl(domain, listen[0]?.port ?? 80),
    listen,
    dataDir: values.get('data_dir') ?? join(more.folder, 'data'),
    pollIntervalMs: values.get('poll_interval') ?? 30_000,
    retainMs: values.get('retain') ?? 7 * DAY_MS,
    gateway: gatewayOf(values, more.cores),
    engines: {
      process: values.get('engines.process') ?? 'off',
      docker: values.get('engines.docker') ?? 'auto',
      onExit: values.get('engines.on_exit') ?? 'keep',
      builds: values.get('engines.builds') ?? null,
      memoryPressure: shareOf(values.get('engines.memory_pressure')),
    },
    docker: dockerOf(values),
    registries: Object.fromEntries(values.names('registry').map((name) => [name, registryOf(name, values)])),
    proxy: { allow: values.get('proxy.allow') ?? [] },
    starlark: {
      timeoutMs: values.get('starlark.timeout') ?? 10_000,
      memoryBytes: values.get('starlark.memory') ?? 256 * MIB,
    },
    git: { localRoots: values.get('git.local_roots') ?? [] },
    gitAuth: Object.fromEntries(values.names('git_auth').map((name) => [name, credentialOf(name, values)])),
    status: { host: statusHost, tokenFile: values.get('status.token_file') ?? null },
    hooks: Object.fromEntries(values.names('hooks').map((name) => [name, hookOf(name, values)])),
    notInEffect: [...new Set(more.later)],
  };
}

// Port 0 is chosen when listening begins, so who binds says the URL then.
function defaultPublicUrl(domain: string, port: number): string {
  return port === 80 || port === 0 ? `http://${domain}` : `http://${domain}:${port}`;
}

function gatewayOf(values: Values, cores: number): Settings['gateway'] {
  return {
    processes: values.get('gateway.processes') ?? Math.max(1, Math.min(MOST_DEFAULT_GATEWAYS, cores)),
    trustedProxies: values.get('gateway.trusted_proxies') ?? [],
    proxyProtocol: values.get('gateway.proxy_protocol') ?? 'off',
    sharedCookies: values.get('gateway.shared_cookies') ?? false,
    accessLog: accessLogOf(values),
    crawlersWake: values.get('gateway.crawlers_wake') ?? false,
    limits: limitsOf(values),
    upstream: upstreamOf(values),
  };
}

function accessLogOf(values: Values): AccessLogSettings | null {
  const path = values.get('gateway.access_log') ?? 'off';
  if (path === 'off') return null;
  const maxBytes = values.get('gateway.access_log_max') ?? 100 * MIB;
  return { path, maxBytes, keep: values.get('gateway.access_log_keep') ?? 5 };
}

function limitsOf(values: Values): GatewayLimits {
  return {
    headerBytes: values.get('gateway.limits.headers') ?? 32 * 1024,
    targetBytes: values.get('gateway.limits.target') ?? 8 * 1024,
    headerTimeoutMs: values.get('gateway.limits.header_timeout') ?? 10_000,
    hookBodyBytes: values.get('gateway.limits.hook_body') ?? 5 * MIB,
    connections: values.get('gateway.limits.connections') ?? 10_000,
    peerConnections: values.get('gateway.limits.peer_connections') ?? 2_500,
    headerCount: values.get('gateway.limits.header_count') ?? 200,
    bodyTimeoutMs: values.get('gateway.limits.body_timeout') ?? 60_000,
  };
}

// Servers close idle connections after 2 s (gunicorn) or 5 s (Node, uvicorn): be earlier than all of them.
const IDLE_MS = 1_900;

function upstreamOf(values: Values): UpstreamSettings {
  return {
    connections: values.get('gateway.limits.upstream_connections') ?? 512,
    connectMs: values.get('gateway.timeouts.connect') ?? 5_000,
    headMs: values.get('gateway.timeouts.head') ?? 120_000,
    idleMs: values.get('gateway.timeouts.idle') ?? IDLE_MS,
  };
}

function credentialOf(name: string, values: Values): GitCredential {
  return {
    urlPrefix: values.get('git_auth.*.url_prefix', name) ?? '',
    username: values.get('git_auth.*.username', name) ?? null,
    tokenFile: values.get('git_auth.*.token_file', name) ?? null,
    sshKeyFile: values.get('git_auth.*.ssh_key_file', name) ?? null,
  };
}

function hookOf(name: string, values: Values): { readonly secretFile: string } {
  return { secretFile: values.get('hooks.*.secret_file', name) ?? '' };
}
