import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { answer } from './answer.ts';
import { type Bridge, makeBridge, removeBridges } from './bridge.ts';
import { askFor, connectDocker } from './find-docker.ts';
import { type Rules, readRules, removeNewRules } from './firewall.ts';
import { GO_SETTINGS } from './go-settings.ts';
import {
  endProcessesOf,
  readForwarding,
  removeControlGroups,
  removeFolder,
  whatIsLeft,
  writeForwarding,
} from './leftovers.ts';

/** A Docker Engine of the tests' own. */
export interface DockerDaemon {
  /** As in DOCKER_HOST. */
  readonly host: string;
  /** Kills it at once, or has it end in order, and starts it again on what is left. What ran in it ended with it. */
  restart(how: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Ends it with all that it made on this machine, and says what tests had left in it. */
  end(): Promise<string[]>;
}

interface Started {
  readonly folder: string;
  readonly host: string;
  process: ChildProcess;
  readonly bridge: Bridge;
  /** The firewall as it was; null where the engine has none. */
  readonly rulesBefore: Rules | null;
  readonly forwardingBefore: string;
}

/** What an engine of the tests’ own may be given. */
export interface DockerOptions {
  /** How large its disk is, which is memory then; without it, it has what the machine has. */
  readonly diskBytes?: number;
  /**
   * False where another engine may run on this machine: one that starts empties the chains of the firewall that all engines share.
   * Without it, its containers reach no other machine, and are reached by published ports on loopback.
   */
  readonly firewall?: boolean;
}

// Not the temporary folder, which may be memory; the path of a socket has little room.
const parent = '/var/tmp/mainspring-docker-';
const startTimeoutMs = 60_000;
const stopTimeoutMs = 30_000;
const pollMs = 50;

/** Starts an engine with folders, socket, bridge and control groups of its own. Needs root; throws with its log. */
export async function startDocker(
  env: NodeJS.ProcessEnv,
  { diskBytes, firewall = true }: DockerOptions = {},
): Promise<DockerDaemon> {
  const folder = mkdtempSync(parent);
  if (diskBytes !== undefined) await mountDisk(join(folder, 'data'), diskBytes);
  const [rulesBefore, bridge] = [firewall ? await readRules() : null, await makeBridge(`ms-${folder.slice(-6)}`)];
  const log = join(folder, 'dockerd.log');
  const host = `unix://${folder}/docker.sock`;
  const place = { folder, host, bridge, log, firewall };
  const started: Started = {
    ...{ folder, host, bridge, rulesBefore, forwardingBefore: readForwarding() },
    process: spawnDaemon(place, env),
  };
  try {
    await untilReady(started, env);
  } catch (error) {
    const said = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-20).join('\n');
    await end(started);
    throw new Error(`dockerd did not start: ${(error as Error).message}\n${said}`);
  }
  return {
    host,
    async restart(how) {
      const ended = once(started.process, 'exit');
      started.process.kill(how);
      await ended;
      await endProcessesOf(join(folder, 'exec', 'containerd', 'containerd.toml'));
      // A process that nobody has waited for yet counts as running to dockerd.
      rmSync(join(folder, 'exec', 'containerd', 'containerd.pid'), { force: true });
      started.process = spawnDaemon(place, env);
      await untilReady(started, env);
    },
    async end() {
      const left = await removeContents(host, env).catch((error: Error) => [`what nobody can list: ${error.message}`]);
      await end(started);
      return [...left, ...whatIsLeft(folder)];
    },
  };
}

async function mountDisk(folder: string, bytes: number): Promise<void> {
  mkdirSync(folder);
  await execa('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'mainspring-test', folder]);
}

interface Place {
  readonly folder: string;
  readonly host: string;
  readonly bridge: Bridge;
  readonly log: string;
  readonly firewall: boolean;
}

function spawnDaemon({ folder, host, bridge, log, firewall }: Place, env: NodeJS.ProcessEnv): ChildProcess {
  const out = openSync(log, 'w');
  // What the machine says of its own engine is not for this one.
  const config = join(folder, 'daemon.json');
  writeFileSync(config, '{}');
  const options = [
    ...['--host', host, '--pidfile', join(folder, 'docker.pid'), '--config-file', config],
    ...['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
    ...['--bridge', bridge.name, '--default-address-pool', bridge.pool],
    ...['--exec-opt', 'native.cgroupdriver=cgroupfs', '--cgroup-parent', `/${basename(folder)}`],
    ...(firewall ? [] : ['--iptables=false', '--ip6tables=false', '--ip-masq=false']),
  ];
  // Should this process be killed, the engine ends by itself. A group of its own: Ctrl-C is for the tests first.
  return spawn('setpriv', ['--pdeathsig', 'TERM', 'dockerd', ...options], {
    detached: true,
    env: { ...env, ...GO_SETTINGS, PATH: `${env.PATH}:/usr/sbin:/sbin` },
    stdio: ['ignore', out, out],
  });
}

async function untilReady({ process: daemon, host }: Started, env: NodeJS.ProcessEnv): Promise<void> {
  const deadlineMs = performance.now() + startTimeoutMs;
  let spawnError: Error | undefined;
  daemon.once('error', (error) => {
    spawnError = error;
  });
  for (;;) {
    if (spawnError !== undefined) throw spawnError;
    if (daemon.exitCode !== null || daemon.signalCode !== null) throw new Error(`it ended with ${daemon.exitCode}`);
    const error = await askFor(host, env);
    if (error === undefined) return;
    if (performance.now() > deadlineMs) throw new Error(`within ${startTimeoutMs / 1000} s there was nobody, ${error}`);
    await delay(pollMs);
  }
}

/** Removes all that is in the engine but images, and names it. */
async function removeContents(host: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  const docker = connectDocker(host, env);
  const containers = await answer(docker.listContainers({ all: true }));
  for (const { Id } of containers) await answer(docker.getContainer(Id).remove({ force: true, v: true }));
  const builtIn = new Set(['bridge', 'host', 'none']);
  const networks = (await docker.listNetworks()).filter(({ Name }) => !builtIn.has(Name));
  for (const { Id } of networks) await docker.getNetwork(Id).remove();
  const { Volumes: volumes } = await docker.listVolumes();
  for (const { Name } of volumes ?? []) await docker.getVolume(Name).remove();
  return [
    ...containers.map(({ Names, Image }) => `container ${Names.join(' ')} of ${Image}`),
    ...networks.map(({ Name }) => `network ${Name}`),
    ...(volumes ?? []).map(({ Name }) => `volume ${Name}`),
  ];
}

async function end({ folder, process: daemon, bridge, rulesBefore, forwardingBefore }: Started): Promise<void> {
  await stop(daemon);
  await endProcessesOf(folder);
  await removeBridges(bridge);
  const isOwn = (line: string): boolean =>
    /DOCKER|:FORWARD|-d (169\.254\.0\.0\/16|100\.100\.100\.200)/.test(line) ||
    line.includes(bridge.prefix) ||
    line.includes(bridge.name);
  if (rulesBefore !== null) await removeNewRules(rulesBefore, isOwn);
  writeForwarding(forwardingBefore);
  removeControlGroups(basename(folder));
  await removeFolder(folder);
}

async function stop(daemon: ChildProcess): Promise<void> {
  if (daemon.pid === undefined || daemon.exitCode !== null || daemon.signalCode !== null) return;
  const exited = once(daemon, 'exit');
  daemon.kill('SIGTERM');
  const timer = setTimeout(() => daemon.kill('SIGKILL'), stopTimeoutMs);
  await exited;
  clearTimeout(timer);
}
