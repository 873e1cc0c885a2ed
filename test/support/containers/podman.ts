import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type Docker from 'dockerode';
import { execa } from 'execa';
import type { Cleanup } from '../cleanup.ts';
import { memoryVariable } from '../memory-folder.ts';
import { askFor, connectDocker } from './find-docker.ts';
import { readRules, removeNewRules } from './firewall.ts';
import { GO_SETTINGS } from './go-settings.ts';
import { endProcessesOf, removeFolder } from './leftovers.ts';
import { grantableLimits } from './limits.ts';
import { mayInstall } from './packages.ts';
import { commandAs, makeRootlessUser, type RootlessUser } from './rootless-user.ts';

/** The variable that names a Podman service to use (a URL as in DOCKER_HOST) in place of one of the test's own. */
export const podmanVariable = 'MAINSPRING_TEST_PODMAN';

/** A Podman service of a test's own. */
export interface TestPodman {
  /** As in DOCKER_HOST. */
  readonly host: string;
  readonly docker: Docker;
}

/** Where the images of a Podman are, without the suite's own memory: not the temporary folder, which may be small. */
const onDisk = '/var/tmp';
const startTimeoutMs = 30_000;
const pollMs = 25;

/** For the option `skip` of tests that need Podman as root: false, or why there is none. */
export async function whyNoPodman(env: NodeJS.ProcessEnv = process.env): Promise<string | false> {
  if (env[podmanVariable] !== undefined) return false;
  const missing = await whyMissing();
  if (missing !== false) return missing;
  return process.getuid?.() === 0 ? false : 'a Podman of the tests’ own, as root, is started as root only';
}

/** The same of tests that need Podman without root. */
export async function whyNoRootlessPodman(env: NodeJS.ProcessEnv = process.env): Promise<string | false> {
  const missing = await whyMissing();
  if (missing !== false) return missing;
  return process.getuid?.() !== 0 || mayInstall(env) ? false : 'as root, a user for it is made with CI=true only';
}

async function whyMissing(): Promise<string | false> {
  const { failed, stderr } = await execa('podman', ['--version'], { reject: false });
  return failed ? `there is no podman: ${stderr || 'the program was not found'}` : false;
}

/**
 * Starts Podman's service with storage, network configuration and socket of its own; what it made is gone afterwards.
 * It gets no limits on files or processes that this machine could not grant. It is the one of `podmanVariable` if that is set.
 */
export async function startPodman(t: Cleanup, env: NodeJS.ProcessEnv = process.env): Promise<TestPodman> {
  const given = env[podmanVariable];
  if (given !== undefined) return { host: given, docker: connectDocker(given, env) };
  const rulesBefore = await readRules();
  const linksBefore = new Set(await bridges());
  const atLast = async () => {
    for (const link of (await bridges()).filter((name) => !linksBefore.has(name))) {
      await execa('ip', ['link', 'del', link], { reject: false });
    }
    await removeNewRules(rulesBefore, (line) => /CNI-|NETAVARK/.test(line));
  };
  return startService(t, { user: null, atLast }, env);
}

/** The same without root: as whom we are, and where that is root, as a user of the test's own. It leaves the machine's network alone. */
export async function startRootlessPodman(t: Cleanup, env: NodeJS.ProcessEnv = process.env): Promise<TestPodman> {
  const user = process.getuid?.() === 0 ? await makeRootlessUser() : null;
  return startService(t, { user, atLast: async () => user?.remove() }, env);
}

/** Whose a service is (null: of whom we are), and what is left to clear when it has ended. */
interface Owner {
  readonly user: RootlessUser | null;
  readonly atLast: () => Promise<void>;
}

async function startService(t: Cleanup, { user, atLast }: Owner, env: NodeJS.ProcessEnv): Promise<TestPodman> {
  // As short as can be: Podman wants what is at `run/containers` below it to have 50 characters at most.
  const folder = mkdtempSync(join(env[memoryVariable] ?? onDisk, 'podman-'));
  const ownEnv = { ...env, ...GO_SETTINGS, ...writeConfiguration(folder) };
  if (user !== null) await execa('chown', ['--recursive', `${user.uid}:${user.gid}`, folder]);
  const place = { folder, env: ownEnv, user };
  const service = spawnService(place);
  t.after(async () => {
    await removeContainers(place);
    await stop(service);
    await endProcessesOf(folder);
    // Without root, files of other users of the containers are there.
    if (process.getuid?.() !== 0) await podman(place, ['unshare', 'rm', '-rf', join(folder, 'graph')]);
    await atLast();
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
  const graph = join(folder, 'graph');
  const roots = [`graphroot = "${graph}"`, `rootless_storage_path = "${graph}"`, `runroot = "${join(folder, 'root')}"`];
  writeFileSync(storage, `[storage]\ndriver = "overlay"\n${roots.join('\n')}\n`);
  // Its service leaves a copy of each archive that it imports in the temporary folder.
  const [temporary, runtime] = [join(folder, 'temporary'), join(folder, 'run')];
  for (const made of [temporary, runtime]) mkdirSync(made, { mode: 0o700 });
  const places = { HOME: folder, XDG_RUNTIME_DIR: runtime, TMPDIR: temporary };
  return { CONTAINERS_CONF: containers, CONTAINERS_STORAGE_CONF: storage, ...places };
}

/** Where a Podman is, how it is set up, and whose it is: null, of whom we are. */
interface Place {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly user: RootlessUser | null;
}

function spawnService({ folder, env, user }: Place): ChildProcess {
  const out = openSync(join(folder, 'service.log'), 'w');
  // Should this process be killed, the service ends by itself.
  const [setpriv = '', ...command] = [...commandAs(user), '--pdeathsig', 'TERM', 'podman'];
  const service = ['system', 'service', '--time', '0', `unix://${folder}/podman.sock`];
  return spawn(setpriv, [...command, ...service], { env, cwd: folder, stdio: ['ignore', out, out] });
}

async function podman({ folder, env, user }: Place, args: readonly string[]): Promise<void> {
  const [setpriv = '', ...command] = [...commandAs(user), 'podman', ...args];
  await execa(setpriv, command, { env, cwd: folder, reject: false });
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

async function removeContainers(place: Place): Promise<void> {
  if (!existsSync(join(place.folder, 'graph'))) return;
  await podman(place, ['rm', '--all', '--force', '--time', '0']);
  await podman(place, ['network', 'prune', '--force']);
  // Ends the process that holds its namespaces, where it has any.
  if (place.user !== null || process.getuid?.() !== 0) await podman(place, ['system', 'migrate']);
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
