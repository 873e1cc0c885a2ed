/** An address to listen on. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** A credential for git, sent nowhere but below `urlPrefix`. Files are read when needed and never kept. */
export interface GitCredential {
  readonly urlPrefix: string;
  readonly username: string | null;
  readonly tokenFile: string | null;
  readonly sshKeyFile: string | null;
}

/** Limits on what comes from outside, in the gateway. */
export interface GatewayLimits {
  readonly headerBytes: number;
  readonly targetBytes: number;
  readonly headerTimeoutMs: number;
  readonly hookBodyBytes: number;
  readonly connections: number;
  /** Of one peer: an IPv4 address, or an IPv6 network of 64 bits. */
  readonly peerConnections: number;
  readonly headerCount: number;
  /** How long a body may stand still. */
  readonly bodyTimeoutMs: number;
}

/** What one gateway process gives to the connections to one upstream. */
export interface UpstreamSettings {
  /** How many there may be at once. */
  readonly connections: number;
  readonly connectMs: number;
  /** How long the upstream may take to begin its answer, and to go on reading a request. */
  readonly headMs: number;
  /** How long a connection that nobody uses is kept. */
  readonly idleMs: number;
}

/** Where the access log is. */
export interface AccessLogSettings {
  readonly path: string;
  /** A file that has become this large is put aside. */
  readonly maxBytes: number;
  /** How many files that were put aside are kept. */
  readonly keep: number;
}

/** How containers are built and run. */
export interface DockerSettings {
  /** The range that networks of environments are taken from, as `10.213.0.0/16`. */
  readonly networks: string;
  /** What a container may use where its app says nothing. */
  readonly limits: { readonly memoryBytes: number; readonly cpus: number; readonly pids: number };
  /** Capabilities that apps may ask for by `cap_add`. */
  readonly capabilities: readonly string[];
  /** Folders of this machine below which apps may mount. */
  readonly binds: readonly string[];
  readonly build: DockerBuildSettings;
  /** What images, volumes and build cache of this installation may take together; null: only age limits them. */
  readonly maxDiskBytes: number | null;
  /** With less than this free on the engine's disk, builds are held. */
  readonly minFreeBytes: number;
}

/** How images are built. */
export interface DockerBuildSettings {
  readonly builder: 'auto' | 'buildkit' | 'classic';
  readonly timeoutMs: number;
  /** What all steps of one build together may use before it is ended, where we see them: for BuildKit, which has no limits of its own. */
  readonly bounds: { readonly pids: number; readonly memoryBytes: number };
  /** Limits of each step of the classic builder. */
  readonly memoryBytes: number | null;
  readonly cpus: number | null;
  readonly httpProxy: string | null;
  readonly httpsProxy: string | null;
  readonly noProxy: string | null;
  /** A file of certificates that builds and containers trust instead of their own. */
  readonly caBundle: string | null;
}

/** A credential for an image registry, sent nowhere else. The file is read when needed and never kept. */
export interface RegistryCredential {
  /** `HOST[:PORT]`, as image names begin with; `docker.io` for names without one. */
  readonly host: string;
  readonly username: string;
  readonly passwordFile: string;
}

/** Everything `mainspring.toml` says, with defaults filled in, durations in milliseconds, sizes in bytes and absolute paths. */
export interface Settings {
  readonly configRepo: string;
  readonly branch: string;
  readonly domain: string;
  readonly envDomain: string;
  /** Without a slash at the end: what people type, `http://localhost:8080`. */
  readonly publicUrl: string;
  readonly listen: readonly ListenAddress[];
  readonly dataDir: string;
  /** 0 means: look only when told to. */
  readonly pollIntervalMs: number;
  readonly retainMs: number;
  readonly gateway: {
    readonly processes: number;
    readonly trustedProxies: readonly string[];
    /** Which versions of the PROXY header all connections begin with. */
    readonly proxyProtocol: 'off' | 'v1' | 'v2' | 'any';
    readonly sharedCookies: boolean;
    /** Null: requests are not written down. */
    readonly accessLog: AccessLogSettings | null;
    readonly crawlersWake: boolean;
    readonly limits: GatewayLimits;
    readonly upstream: UpstreamSettings;
  };
  readonly engines: {
    readonly process: 'off' | 'prod' | 'all';
    /** `auto`, `off`, or the path of a socket. */
    readonly docker: string;
    readonly onExit: 'keep' | 'stop';
    /** How many builds run side by side; null: as suits the cores. */
    readonly builds: number | null;
    /** The share of memory, from 0 to 1, past which what nobody uses gives its own back; null: none. */
    readonly memoryPressure: number | null;
  };
  readonly docker: DockerSettings;
  readonly registries: Readonly<Record<string, RegistryCredential>>;
  readonly proxy: { readonly allow: readonly string[] };
  readonly starlark: { readonly timeoutMs: number; readonly memoryBytes: number };
  readonly git: { readonly localRoots: readonly string[] };
  readonly gitAuth: Readonly<Record<string, GitCredential>>;
  readonly status: { readonly host: string; readonly tokenFile: string | null };
  readonly hooks: Readonly<Record<string, { readonly secretFile: string }>>;
  /** Sections that are accepted but have no effect in this version, named so that `serve` and `doctor` can say so. */
  readonly notInEffect: readonly string[];
}
