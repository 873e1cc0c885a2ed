import * as check from './checks.ts';
import { capability, httpUrl, ipv4Range, noProxy, registryHost } from './docker-checks.ts';
import { engineSocket, offOrFile, pathFrom, repoFrom, urlPrefix } from './places.ts';

const user = check.parsedText('a user name', (text) => (/^[^\s:@/]+$/.test(text) ? text : undefined));

/** Every key there is, with its check. `*` stands for a name that the file chooses. Paths are relative to `folder`. */
export function keyTable(folder: string) {
  const path = pathFrom(folder);
  return {
    config_repo: repoFrom(folder),
    branch: check.branchName,
    domain: check.hostName,
    env_domain: check.hostName,
    public_url: check.publicUrl,
    listen: check.oneOrMore(check.listenAddress, 'addresses'),
    data_dir: path,
    poll_interval: check.duration(),
    retain: check.duration(),
    'gateway.processes': check.wholeNumber(1, 64),
    'gateway.trusted_proxies': check.listOf(check.network, 'addresses and networks'),
    'gateway.proxy_protocol': check.oneOf('off', 'v1', 'v2', 'any'),
    'gateway.shared_cookies': check.yesOrNo,
    'gateway.crawlers_wake': check.yesOrNo,
    'gateway.access_log': offOrFile(folder),
    'gateway.access_log_max': check.size({ from: '64k', to: '16g' }),
    'gateway.access_log_keep': check.wholeNumber(0, 100),
    'gateway.limits.headers': check.size({ from: '4k', to: '1m' }),
    'gateway.limits.target': check.size({ from: '1k', to: '1m' }),
    'gateway.limits.header_timeout': check.duration({ from: '1s' }),
    'gateway.limits.hook_body': check.size({ from: '1k', to: '64m' }),
    'gateway.limits.connections': check.wholeNumber(16, 1_000_000),
    'gateway.limits.peer_connections': check.wholeNumber(1, 1_000_000),
    'gateway.limits.header_count': check.wholeNumber(16, 10_000),
    'gateway.limits.body_timeout': check.duration({ from: '1s' }),
    'gateway.limits.upstream_connections': check.wholeNumber(1, 65_535),
    'gateway.timeouts.connect': check.duration({ from: '10ms' }),
    'gateway.timeouts.head': check.duration({ from: '100ms' }),
    'gateway.timeouts.idle': check.duration({ from: '10ms' }),
    'engines.process': check.oneOf('off', 'prod', 'all'),
    'engines.docker': engineSocket(folder),
    'engines.on_exit': check.oneOf('keep', 'stop'),
    'engines.builds': check.wholeNumber(1, 64),
    ...dockerKeys(path),
    'engines.memory_pressure': check.shareOrOff,
    'proxy.allow': check.listOf(check.proxyTarget, 'addresses, networks, host names and Unix sockets'),
    'starlark.timeout': check.duration({ from: '100ms' }),
    'starlark.memory': check.size({ from: '16m', to: '4g' }),
    'git.local_roots': check.listOf(path, 'paths'),
    'git_auth.*.url_prefix': urlPrefix,
    'git_auth.*.username': user,
    'git_auth.*.token_file': path,
    'git_auth.*.ssh_key_file': path,
    'status.host': check.hostName,
    'status.token_file': path,
    'hooks.*.secret_file': path,
  } as const satisfies Record<string, check.Check<unknown>>;
}

/** The keys of `[docker]` and `[registry.NAME]`. */
function dockerKeys(path: check.Check<string>) {
  return {
    'docker.networks': ipv4Range,
    'docker.memory': check.size({ from: '16m', to: '1024g' }),
    'docker.cpus': check.amount(0.01, 1_024),
    'docker.pids': check.wholeNumber(16, 1_000_000),
    'docker.capabilities': check.listOf(capability, 'capabilities'),
    'docker.binds': check.listOf(path, 'paths'),
    'docker.builder': check.oneOf('auto', 'buildkit', 'classic'),
    'docker.build_timeout': check.duration({ from: '1s' }),
    'docker.build_memory': check.size({ from: '64m', to: '1024g' }),
    'docker.build_pids': check.wholeNumber(16, 1_000_000),
    'docker.build_cpus': check.amount(0.01, 1_024),
    'docker.http_proxy': httpUrl,
    'docker.https_proxy': httpUrl,
    'docker.no_proxy': noProxy,
    'docker.ca_bundle': path,
    'docker.max_disk': check.size({ from: '1g', to: '1000000g' }),
    'docker.min_free': check.size({ from: '0', to: '1000000g' }),
    'registry.*.host': registryHost,
    'registry.*.username': user,
    'registry.*.password_file': path,
  } as const satisfies Record<string, check.Check<unknown>>;
}

/** The keys, by their checks. */
export type KeyTable = ReturnType<typeof keyTable>;
/** One key, with `*` for a name. */
export type Key = keyof KeyTable;
/** What a key's check yields. */
export type ValueOf<K extends Key> = KeyTable[K] extends check.Check<infer T> ? T : never;

/** Sections of later versions: accepted, said to have no effect, and not looked into. */
export const LATER_SECTIONS = ['forge'] as const;

/** What a name in `[git_auth.NAME]`, `[registry.NAME]` and `[hooks.NAME]` may be. */
export const NAME_FORM = 'letters, digits, "-" and "_", at most 40';

/** Whether a name of a section is one that the file may choose. */
export function isSectionName(name: string): boolean {
  return /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,38}[A-Za-z0-9])?$/.test(name);
}

/** The pattern of a path of names: `git_auth.acme.username` is `git_auth.*.username`. */
export function patternOf(path: readonly string[]): string {
  const [section, , ...rest] = path;
  const isNamed = (section === 'git_auth' || section === 'hooks' || section === 'registry') && path.length > 1;
  return (isNamed ? [section, '*', ...rest] : path).join('.');
}
