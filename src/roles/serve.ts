import { resolve } from 'node:path';
import type { GatewayProcessConfig } from '../gateway/run-gateway.ts';
import { sha256Hex } from '../model/canonical.ts';
import type { ListenAddress, Settings } from '../model/settings.ts';
import { loadSettings } from '../settings/load.ts';
import { type ProcessPlan, runSupervisor } from '../supervisor/supervisor.ts';
import type { Environment } from './environment.ts';
import { EXIT_FATAL, EXIT_RESTART } from './exit-codes.ts';
import type { WriteLog } from './log.ts';
import { entryFile, placesIn } from './places.ts';

/** What `serve` is told. */
export interface ServeOptions {
  readonly config: string;
  readonly cwd: string;
  readonly version: string;
  readonly env: Environment;
  readonly execArgv: readonly string[];
  readonly log: WriteLog;
  /** Once everything is up. */
  readonly onReady: (listen: readonly ListenAddress[], settings: Settings) => void;
}

/** How long gateways may drain. */
export const DRAIN_MS = 30_000;
/** How long the controller may take to end. */
export const CONTROLLER_STOP_MS = 30_000;

/** Runs supervisor, controller and gateways until SIGTERM; gives the exit code. */
export async function serve(options: ServeOptions): Promise<number> {
  const config = resolve(options.cwd, options.config);
  const settings = await loadSettings(config, options.env);
  const code = await runSupervisor({
    listen: settings.listen,
    runDir: placesIn(settings.dataDir).runDir,
    plan: planOf(settings, options),
    reload: async () => planOf(await loadSettings(config, options.env), options),
    socketVariables: { LISTEN_PID: options.env.LISTEN_PID, LISTEN_FDS: options.env.LISTEN_FDS },
    drainMs: DRAIN_MS,
    controllerStopMs: CONTROLLER_STOP_MS,
    fatalExitCodes: [EXIT_FATAL],
    restartExitCode: EXIT_RESTART,
    log: options.log,
    onReady: (listen) => options.onReady(listen, settings),
  });
  // What the controller found wrong it has said itself; to the outside it is an ordinary failure.
  return code === EXIT_FATAL ? 1 : code;
}

/** Passes over thousands of apps are as fast with a young generation of this size, and it is not kept for ever at four times it. */
const CONTROLLER_FLAGS = ['--max-semi-space-size=4'];
/** Evaluations and git come in bursts; glibc gives what they took back only when told to (other allocators read none of this). */
const CONTROLLER_MALLOC = { MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '131072' };

function planOf(settings: Settings, options: ServeOptions): ProcessPlan {
  const base = [...options.execArgv, entryFile()];
  const env = Object.fromEntries(
    Object.entries(options.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const gateway = gatewayConfig(settings);
  const program = sha256Hex(JSON.stringify([options.version, base, gateway])).slice(0, 16);
  return {
    controller: {
      command: process.execPath,
      args: [...CONTROLLER_FLAGS, ...base, '__controller', JSON.stringify(settings)],
      env: { ...env, ...CONTROLLER_MALLOC },
    },
    gateway: {
      command: process.execPath,
      args: [...base, '__gateway', JSON.stringify({ ...gateway, program } satisfies GatewayProcessConfig)],
      env,
      program,
    },
    processes: settings.gateway.processes,
  };
}

/** What a gateway process of these settings is told. */
export function gatewayConfig(settings: Settings): Omit<GatewayProcessConfig, 'program'> {
  const places = placesIn(settings.dataDir);
  return {
    listen: settings.listen,
    dbPath: places.database,
    controlSocket: places.controlSocket,
    statusSocket: places.statusSocket,
    statusHost: settings.status.host,
    envDomain: settings.envDomain,
    sharedCookies: settings.gateway.sharedCookies,
    accessLog: settings.gateway.accessLog,
    crawlersWake: settings.gateway.crawlersWake,
    hooks: settings.hooks,
    trustedProxies: settings.gateway.trustedProxies,
    proxyProtocol: settings.gateway.proxyProtocol,
    proxyAllow: settings.proxy.allow,
    limits: settings.gateway.limits,
    upstream: settings.gateway.upstream,
    drainMs: DRAIN_MS,
    runDir: places.runDir,
  };
}
