import { isLocalRepo } from './places.ts';

/** What `init` knows when it writes the settings. */
export interface TemplateValues {
  /** A URL, or the absolute path of a repo, which then is a local root too. */
  readonly configRepo: string;
  readonly branch: string;
  readonly domain: string;
  /** As typed: `127.0.0.1:8080`. */
  readonly listen: string;
}

/** A text as TOML writes it, whatever is in it. */
export function tomlText(text: string): string {
  // JSON's escapes are TOML's too, but TOML wants DEL escaped as well.
  return JSON.stringify(text).replaceAll('\u007f', '\\u007f');
}

/** The text of a new `mainspring.toml`: works as it is, and shows every other key with its default. */
export function settingsTemplate(values: TemplateValues): string {
  return `${HEAD}
config_repo = ${tomlText(values.configRepo)}
branch = ${tomlText(values.branch)}

# Apps are reached below this domain; previews and stage below env_domain. *.localhost works without any DNS.
domain = ${tomlText(values.domain)}
# env_domain = ${tomlText(`env.${values.domain}`)}
# What people type, where a proxy in front makes it differ from domain and port.
# public_url = "https://apps.example.com"

# One address, or a list of them.
listen = ${tomlText(values.listen)}

# Everything that Mainspring keeps: its database, mirrors, what it built, what apps store.
data_dir = "./data"

# How often repos are looked at when nothing said that they changed; "0s": only when something does.
poll_interval = "30s"
# How long the data of a removed app is kept.
retain = "7d"

[git]
# Repos on this machine are read only from below these folders.
local_roots = [${isLocalRepo(values.configRepo) ? tomlText(values.configRepo) : ''}]
${REST}`;
}

const HEAD = `# Settings of this Mainspring. What runs is not said here, but in the config repo.
# Relative paths are taken from the folder of this file. Each key can also come from the environment, where it wins:
# MAINSPRING_DOMAIN, MAINSPRING_GATEWAY__PROCESSES. "mainspring doctor" says whether all is well.

# The repo whose *.star files declare everything, and the branch that is followed.`;

const REST = `
# A credential, sent nowhere but below its url_prefix.
# [git_auth.acme]
# url_prefix = "https://git.example.com/acme/"
# username = "mainspring"
# token_file = "./secrets/git-token"
# ssh_key_file = "./secrets/id_ed25519"   # instead of token_file, with url_prefix = "ssh://git@git.example.com/"

# POST /_mainspring/hooks/forge says: look now. The body is never used.
# [hooks.forge]
# secret_file = "./secrets/hook"

[engines]
# Processes of this machine, from a Procfile: "off", "prod" or "all" (environments). There is no isolation.
process = "off"
# Containers: "auto" (Docker or Podman, wherever the docker command finds it), "off", or the path of a socket.
# docker = "auto"
# What becomes of running apps when Mainspring stops: "keep" or "stop".
# on_exit = "keep"
# Past this share of the memory, what nobody uses is stopped before its time, the longest idle first: "10%" to "99%", or "off".
# memory_pressure = "90%"
# Builds side by side. Default: half as many as this machine has cores, at least two.
# builds = 2

[docker]
# Networks of environments are taken from this range of private addresses.
# networks = "10.213.0.0/16"
# What a container may use where its app says nothing.
# memory = "1g"
# cpus = 1
# pids = 512
# What apps may ask for beyond that: capabilities, and folders of this machine to mount.
# capabilities = ["SYS_PTRACE"]
# binds = ["/srv/shared"]
# How images are built: "auto", "buildkit" or "classic".
# builder = "auto"
# build_timeout = "10m"
# build_memory = "4g"
# build_pids = 4096
# build_cpus = 2
# http_proxy = "http://proxy.internal:3128"
# https_proxy = "http://proxy.internal:3128"
# no_proxy = "localhost,.internal"
# ca_bundle = "/etc/ssl/certs/ca-certificates.crt"
# What images, volumes and build cache may take; with less than min_free left on the disk, builds are held.
# max_disk = "50g"
# min_free = "1g"

# A credential for an image registry, sent nowhere else.
# [registry.acme]
# host = "registry.example.com"
# username = "mainspring"
# password_file = "./secrets/registry"

[gateway]
# Default: as many as this machine has cores, at most four.
# processes = 2
# Addresses of proxies in front, whose X-Forwarded-* is believed. Then the status pages want the token, see below.
# trusted_proxies = ["10.0.0.0/8"]
# Every connection begins with a PROXY header of one of these proxies: "off", "v1", "v2" or "any".
# proxy_protocol = "off"
# Let apps set cookies that reach the environments' zone; only where that is a domain registered apart.
# shared_cookies = false
# A line of JSON for each request: "off", or a file.
# access_log = "./data/access.log"
# access_log_max = "100m"
# access_log_keep = 5
# crawlers_wake = false
# [gateway.limits]
# headers = "32k"
# target = "8k"
# header_timeout = "10s"
# hook_body = "5m"
# connections = 10000
# peer_connections = 2500
# header_count = 200
# body_timeout = "60s"
# upstream_connections = 512
# [gateway.timeouts]
# connect = "5s"
# head = "120s"
# idle = "1900ms"

[proxy]
# Addresses on private networks, names, and Unix sockets (or folders of them) that apps of the spec "proxy" may lead to.
# allow = ["10.1.2.3:8000", "wiki.internal", "unix:/run/grafana/"]

[starlark]
# The most that one config file may take.
# timeout = "10s"
# memory = "256m"

[status]
# The host of the status pages and the API.
# host = "mainspring.example.com"
# Who comes from another machine sends this as "Authorization: Bearer …".
# token_file = "./secrets/status-token"
`;
