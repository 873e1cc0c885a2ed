/** The environment that the program was started with. */
export type HostEnvironment = Readonly<Record<string, string | undefined>>;

/** What one run of git needs beyond the clean environment. */
export interface GitEnvironmentOptions {
  /** The transports that this run may use; none by default, so that reading a repo never reaches out. */
  readonly protocols?: readonly string[];
  readonly config?: readonly (readonly [key: string, value: string])[];
  readonly sshCommand?: string;
}

/** Certificates, proxies and folders are the machine's business and pass; everything else of the host's environment stays out. */
const PASSED = [
  'PATH',
  'HOME',
  'TMPDIR',
  'GIT_SSL_CAINFO',
  'GIT_SSL_CAPATH',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'http_proxy',
  'https_proxy',
  'HTTPS_PROXY',
  'all_proxy',
  'ALL_PROXY',
  'no_proxy',
  'NO_PROXY',
];

/** Given after any repo's own config, so a hostile one cannot bring its hooks, helpers or programs. */
const CONFIG: readonly (readonly [string, string])[] = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.pager', 'cat'],
  ['core.askPass', ''],
  ['core.alternateRefsCommand', ''],
  // An empty helper resets the list.
  ['credential.helper', ''],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['fetch.recurseSubmodules', 'false'],
  // git would send the header of the first URL to wherever it is redirected; listing resolves redirects beforehand.
  ['http.followRedirects', 'false'],
  ['http.lowSpeedLimit', '1'],
  ['http.lowSpeedTime', '60'],
  ['http.userAgent', 'git/2 (mainspring)'],
];

/** The environment of a git that knows nothing of the machine's or the user's git configuration and can ask nobody anything. */
export function gitEnvironment(host: HostEnvironment, options: GitEnvironmentOptions = {}): Record<string, string> {
  const passed = PASSED.flatMap((name) => (host[name] === undefined ? [] : [[name, host[name]] as const]));
  return {
    ...Object.fromEntries(passed),
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '/bin/false',
    SSH_ASKPASS: '/bin/false',
    SSH_ASKPASS_REQUIRE: 'never',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_LAZY_FETCH: '1',
    // What a commit id names must not be replaced by something else.
    GIT_NO_REPLACE_OBJECTS: '1',
    // What we read in files ourselves stays in files, whatever later versions of git prefer.
    GIT_DEFAULT_REF_FORMAT: 'files',
    GIT_PROTOCOL_FROM_USER: '0',
    // A list of allowed ones; a name that no transport has stands for none.
    GIT_ALLOW_PROTOCOL: (options.protocols ?? ['none']).join(':'),
    GIT_SSH_VARIANT: 'ssh',
    GIT_SSH_COMMAND: options.sshCommand ?? '/bin/false',
    ...configVariables([...CONFIG, ...(options.config ?? [])]),
  };
}

/** Config handed over in the environment: it never shows among a process's arguments. */
function configVariables(config: readonly (readonly [string, string])[]): Record<string, string> {
  const variables: Record<string, string> = { GIT_CONFIG_COUNT: String(config.length) };
  for (const [index, [key, value]] of config.entries()) {
    variables[`GIT_CONFIG_KEY_${index}`] = key;
    variables[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return variables;
}
