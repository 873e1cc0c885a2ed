import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type Docker from 'dockerode';
import { execa } from 'execa';
import type { Cleanup } from '../cleanup.ts';
import { askFor, connectDocker } from './find-docker.ts';
import { readRules, removeNewRules } from './firewall.ts';
import { endProcessesOf, removeFolder } from './leftovers.ts';
import { grantableLimits } from './limits.ts';

/** The variable that names a Podman service to use (a URL as in DOCKER_HOST) in place of one of the test's own. */
export const podmanVariable = 'MAINSPRING_TEST_PODMAN';

/** A Podman service of a test's own. */
export interface TestPodman {
  /** As in DOCKER_HOST. */
  readonly host: string;
  readonly docker: Docker;
}

const parent = '/var/tmp/mainspring-podman-';
const startTimeoutMs = 30_000;
const pollMs = 25;

/** For the option `skip` of tests that need Podman: false, or why there is none. */
export async function whyNoPodman(env: NodeJS.ProcessEnv = process.env): Promise<string | false> {
  if (env[podmanVariable] !== undefined) return false;
  const { failed, stderr } = await execa('podman', ['--version'], { reject: false });
  if (failed) return `there is no podman: ${stderr || 'the program was not found'}`;
  return process.getuid?.() === 0 ? false : 'a Podman of the tests’ own is started as root only';
}

/**
 * Starts Podman's service with storage, network configuration and socket of its own; what it made is gone afterwards.
 * It gets no limits on files or processes that this machine could not grant.
 */
export async function startPodman(t: Cleanup, env: NodeJS.ProcessEnv = process.env): Promise<TestPodman> {
  const given = env[podmanVariable];
  if (given !== undefined) return { host: given, docker: connectDocker(given, env) };
  const folder = mkdtempSync(parent);
  const rulesBefore = await readRules();
  const linksBefore = new Set(await bridges());
  const ownEnv = { ...env, ...writeConfiguration(folder) };
  const service = spawnService(folder, ownEnv);
  t.after(async () => {
    await removeContainers(folder, ownEnv);
    await stop(service);
    await endProcessesOf(folder);
    for (const link of (await bridges()).filter((name) => !linksBefore.has(name))) {
      await execa('ip', ['link', 'del', link], { reject: false });
    }
    await removeNewRules(rulesBefore, (line) => /CNI-|NETAVARK/.test(line));
    await removeFolder(folder);
  });
  const host = `unix://${folder}/podman.sock`;
  await untilReady({ service, host, log: join(folder, 'service.log') }, env);
  return { host, docker: connectDocker(host, env) };
}

/** Writes how this Podman is set up, and returns the variables that lead it there. */
function writeConfiguration(folder: string): Record<string, string> {
  const network = join(folder, 'networks');
  mkdirSync(network);
  const containers = join(folder, 'containers.conf');
  const limits = grantableLimits().map(({ Name, Soft, Hard }) => `"${Name}=${Soft}:${Hard}"`);
  const settings = [
    ...['[containers]', `default_ulimits = [${limits.join(', ')}]`],
    ...['[engine]', 'runtime = "runc"', 'cgroup_manager = "cgroupfs"', 'events_logger = "file"'],
    ...[`tmp_dir = "${join(folder, 'tmp')}"`, '[network]', `network_config_dir = "${network}"`],
  ];
  writeFileSync(containers, `${settings.join('\n')}\n`);
  const storage = join(folder, 'storage.conf');
  const places = [`graphroot = "${join(folder, 'graph')}"`, `runroot = "${join(folder, 'run')}"`];
  writeFileSync(storage, `[storage]\ndriver = "overlay"\n${places.join('\n')}\n`);
  // Its service leaves a copy of each archive that it imports in the temporary folder.
  const temporary = join(folder, 'temporary');
  mkdirSync(temporary);
  return { CONTAINERS_CONF: containers, CONTAINERS_STORAGE_CONF: storage, TMPDIR: temporary };
}

function spawnService(folder: string, env: NodeJS.ProcessEnv): ChildProcess {
  const out = openSync(join(folder, 'service.log'), 'w');
  const command = ['podman', 'system', 'service', '--time', '0', `unix://${folder}/podman.sock`];
  // Should this process be killed, the service ends by itself.
  return spawn('setpriv', ['--pdeathsig', 'TERM', ...command], { env, stdio: ['ignore', out, out] });
}

interface Starting {
  readonly service: ChildProcess;
  readonly host: string;
  readonly log: string;
}

async function untilReady({ service, host, log }: Starting, env: NodeJS.ProcessEnv): Promise<void> {
  const deadlineMs = performance.now() + startTimeoutMs;
  for (let error = await askFor(host, env); error !== undefined; error = await askFor(host, env)) {
    const isOver = service.exitCode !== null || service.signalCode !== null;
    if (!isOver && performance.now() < deadlineMs) {
      await delay(pollMs);
      continue;
    }
    throw new Error(`Podman's service did not start, ${error}: ${readFileSync(log, 'utf8').slice(-2_000)}`);
  }
}

async function removeContainers(folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  if (!existsSync(join(folder, 'graph'))) return;
  await execa('podman', ['rm', '--all', '--force', '--time', '0'], { env, reject: false });
  await execa('podman', ['network', 'prune', '--force'], { env, reject: false });
}

async function stop(service: ChildProcess): Promise<void> {
  if (service.pid === undefined || service.exitCode !== null || service.signalCode !== null) return;
  const exited = once(service, 'exit');
  service.kill('SIGKILL');
  await exited;
}

async function bridges(): Promise<string[]> {
  const { stdout } = await execa('ip', ['-o', 'link', 'show', 'type', 'bridge'], { reject: false });
  const names = [...stdout.matchAll(/^\d+: ([^:@]+)/gm)].map(([, name = '']) => name);
  return names.filter((name) => /^(cni-)?podman\d+$/.test(name));
}
