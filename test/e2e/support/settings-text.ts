/** What an installation of a test is set to. */
export interface SettingsValues {
  configRepo: string;
  listen: string;
  /** Null: as domain and port say. */
  publicUrl: string | null;
  pollInterval: string;
  retain: string;
  localRoots: readonly string[];
  process: 'off' | 'prod' | 'all';
  /** `off`, or the socket of an engine. */
  docker: string;
  onExit: 'keep' | 'stop';
  /** One, where a test is not about several: each takes a third of a second of a core. */
  gateways: number;
  proxyAllow: readonly string[];
  /** Further lines at the end. */
  more: string;
}

/** The text of `mainspring.toml`. */
export function settingsText(values: SettingsValues): string {
  const text = JSON.stringify;
  return `config_repo = ${text(values.configRepo)}
branch = "main"
domain = "localhost"
listen = ${text(values.listen)}
${values.publicUrl === null ? '' : `public_url = ${text(values.publicUrl)}`}
data_dir = "./data"
poll_interval = ${text(values.pollInterval)}
retain = ${text(values.retain)}
[git]
local_roots = ${text(values.localRoots)}
[engines]
process = ${text(values.process)}
docker = ${text(values.docker)}
on_exit = ${text(values.onExit)}
[gateway]
processes = ${values.gateways}
[proxy]
allow = ${text(values.proxyAllow)}
${values.more}
`;
}
