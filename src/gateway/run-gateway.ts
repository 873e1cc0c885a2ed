import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import {
  type GatewayReply,
  LISTEN_FDS_VARIABLE,
  type SpawnCommand,
  type SupervisorMessage,
} from '../model/processes.ts';
import { readJsonLines, writeJsonLine } from './control/json-lines.ts';
import { placeSocket, removeSocket } from './control/socket-path.ts';
import { type Gateway, startGateway } from './gateway.ts';
import type { GatewayConfig, GatewayLog } from './gateway-config.ts';

/** What a gateway needs as a process of its own. */
export interface GatewayProcessConfig extends GatewayConfig {
  /** `DATA/run`: below it, in `gateways/`, the process says where it can be talked to. */
  readonly runDir: string;
  /** See `GatewayCommand.program`. */
  readonly program: string;
}

/**
 * Runs a gateway as this process. Resolves when it was asked to stop, by SIGTERM, SIGINT or its socket, and has drained. It needs
 * no supervisor and no controller to go on serving.
 */
export async function runGateway(config: GatewayProcessConfig, log: GatewayLog): Promise<void> {
  surviveClosedOutput();
  const stopAsked = Promise.withResolvers<void>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stopAsked.resolve());
  // Comes with a closed terminal; ours to survive.
  process.on('SIGHUP', () => {});
  // A fault of ours: what is in flight may finish, and the supervisor starts a gateway without it.
  process.on('uncaughtException', (error) => {
    log('error', 'the gateway has failed and drains', { error: error.stack ?? String(error) });
    stopAsked.resolve();
  });
  const gateway = await startGateway(config, { id: randomUUID(), pid: process.pid, log });
  const admin = await startAdmin(config, gateway, () => stopAsked.resolve());
  log('info', 'the gateway serves', { listen: gateway.addresses.map(({ address, port }) => `${address}:${port}`) });
  await stopAsked.promise;
  admin.forget();
  await gateway.stop();
  admin.close();
}

/** Whoever reads our output may end before we do. */
function surviveClosedOutput(): void {
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
}

interface Admin {
  /** Nobody finds us any more; who is connected stays so. */
  forget(): void;
  close(): void;
}

/** Listens for supervisors, and writes down where. */
async function startAdmin(config: GatewayProcessConfig, gateway: Gateway, onStop: () => void): Promise<Admin> {
  const folder = join(config.runDir, 'gateways');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const wanted = join(folder, `${process.pid}.sock`);
  const runFile = join(folder, `${process.pid}.json`);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    talk(socket, config, gateway, onStop);
  });
  const socket = await listenAt(server, placeSocket(wanted));
  writeFileSync(`${runFile}.new`, JSON.stringify({ pid: process.pid, socket }), { mode: 0o600 });
  renameSync(`${runFile}.new`, runFile);
  return {
    forget: () => rmSync(runFile, { force: true }),
    close: () => {
      server.close();
      for (const open of sockets) open.destroy();
      removeSocket(wanted);
    },
  };
}

function listenAt(server: Server, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      chmodSync(path, 0o600);
      resolve(path);
    });
  });
}

function talk(socket: Socket, config: GatewayProcessConfig, gateway: Gateway, onStop: () => void): void {
  const say = (reply: GatewayReply) => writeJsonLine(socket, reply);
  socket.on('error', () => socket.destroy());
  const listen = gateway.addresses.map(({ address, port }) => ({ host: address, port }));
  say({ type: 'hello', pid: process.pid, program: config.program, listen, isReady: gateway.isReady() });
  if (!gateway.isReady()) {
    const timer = setInterval(() => {
      if (!gateway.isReady()) return;
      clearInterval(timer);
      say({ type: 'ready' });
    }, 50);
    socket.on('close', () => clearInterval(timer));
  }
  readJsonLines(socket, (line) => {
    const message = line as unknown as SupervisorMessage;
    if (message.type === 'ping') say({ type: 'pong' });
    if (message.type === 'stop') onStop();
    if (message.type === 'spawn') spawnSuccessor(config, message.command, say);
  });
}

/** Starts another gateway on the descriptors of this one, which is how they outlive the process that bound them. */
function spawnSuccessor(
  config: GatewayProcessConfig,
  { command, args, env }: SpawnCommand,
  say: (reply: GatewayReply) => void,
): void {
  const descriptors = config.listen.flatMap((address) => ('fd' in address ? [address.fd] : []));
  if (descriptors.length !== config.listen.length) {
    say({ type: 'spawn-failed', message: 'no inherited descriptors' });
    return;
  }
  const child = spawn(command, args, {
    env: { ...env, [LISTEN_FDS_VARIABLE]: String(descriptors.length) },
    stdio: ['ignore', 'inherit', 'inherit', ...descriptors],
    detached: true,
  });
  child.once('error', (error) => say({ type: 'spawn-failed', message: String(error) }));
  if (child.pid !== undefined) say({ type: 'spawned', pid: child.pid });
  child.unref();
}
