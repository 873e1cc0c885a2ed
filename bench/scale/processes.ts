import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Settings } from '../../src/model/settings.ts';
import { entryFile, placesIn } from '../../src/roles/places.ts';
import type { HookTarget } from '../hook-load.ts';
import type { Command, Measured, Reply } from './commands.ts';

/** A controller in a process of its own, told over IPC what to do. */
export interface BenchController {
  readonly pid: number;
  /** From the start of the process until it was ready to be told. */
  readonly bootMs: number;
  perform(command: Command): Promise<Measured>;
  kill(): void;
}

/** Starts a controller as the daemon does. `NODE_FLAGS` in the environment go to it, for profiling. */
export async function startController(settingsFile: string, worldFile: string): Promise<BenchController> {
  const child = fork(fileURLToPath(new URL('./controller.ts', import.meta.url)), [settingsFile, worldFile], {
    env: { ...process.env, MALLOC_ARENA_MAX: '2' },
    execArgv: (process.env.NODE_FLAGS ?? '').split(' ').filter((flag) => flag !== ''),
  });
  const booted = await replyOf(child);
  if (booted.type !== 'booted') throw new Error('the controller did not boot');
  return {
    pid: child.pid ?? 0,
    bootMs: booted.ms,
    perform: async (command) => {
      child.send(command);
      const reply = await replyOf(child);
      if (command.do === 'stop') await once(child, 'exit');
      return reply as Measured;
    },
    kill: () => child.kill('SIGKILL'),
  };
}

async function replyOf(child: ChildProcess): Promise<Reply> {
  const ended = new AbortController();
  const died = once(child, 'exit', { signal: ended.signal }).then(([code, by]) => {
    throw new Error(`the controller ended with ${code ?? by}`);
  });
  const answered = once(child, 'message', { signal: ended.signal });
  died.catch(() => {});
  answered.catch(() => {});
  try {
    const [reply] = (await Promise.race([answered, died])) as [Reply];
    return reply;
  } finally {
    ended.abort();
  }
}

/** A gateway process of the product, on a free port. */
export interface BenchGateway {
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts the product's gateway role, with no supervisor. */
export async function startGatewayProcess(settings: Settings): Promise<BenchGateway> {
  const places = placesIn(settings.dataDir);
  const config = {
    listen: [{ host: '127.0.0.1', port: 0 }],
    dbPath: places.database,
    controlSocket: places.controlSocket,
    statusSocket: places.statusSocket,
    statusHost: settings.status.host,
    envDomain: settings.envDomain,
    sharedCookies: settings.gateway.sharedCookies,
    crawlersWake: settings.gateway.crawlersWake,
    hooks: settings.hooks,
    trustedProxies: [],
    proxyAllow: [],
    limits: settings.gateway.limits,
    drainMs: 1_000,
    runDir: placesIn(settings.dataDir).runDir,
    program: 'bench',
  };
  const child = spawn(process.execPath, [entryFile(), '__gateway', JSON.stringify(config)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const port = await portOf(child);
  return {
    pid: child.pid ?? 0,
    port,
    stop: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** The port that a gateway says it listens on. */
async function portOf(child: ChildProcess): Promise<number> {
  let text = '';
  for await (const chunk of child.stderr ?? []) {
    text += String(chunk);
    const port = /"listen":\["127\.0\.0\.1:(\d+)"/.exec(text)?.[1];
    if (port !== undefined) {
      child.stderr?.resume();
      return Number(port);
    }
  }
  throw new Error(`the gateway did not start: ${text}`);
}

/** Posts to a webhook from a process of its own until stopped; gives how long each answer took. */
export function loadHook(target: HookTarget, perSecond: number): { stop(): Promise<number[]> } {
  const program = fileURLToPath(new URL('./hook-loader.ts', import.meta.url));
  const child = fork(program, [JSON.stringify({ ...target, perSecond })]);
  return {
    stop: async () => {
      child.send('stop');
      const [times] = (await once(child, 'message')) as [number[]];
      return times;
    },
  };
}
