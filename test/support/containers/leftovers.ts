import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';

const forwarding = '/proc/sys/net/ipv4/ip_forward';
const controlGroups = '/sys/fs/cgroup';
const pollMs = 20;
const patienceMs = 10_000;

/** Whether this machine passes packets on, which an engine turns on for good. */
export function readForwarding(): string {
  return existsSync(forwarding) ? readFileSync(forwarding, 'utf8').trim() : '';
}

/** Sets back what `readForwarding` has found. */
export function writeForwarding(value: string): void {
  if (value !== '' && readForwarding() !== value) writeFileSync(forwarding, value);
}

/** Ends every process that was started with a path below this folder, and waits until none is left. */
export async function endProcessesOf(folder: string): Promise<void> {
  const deadlineMs = performance.now() + patienceMs;
  for (let pids = pidsOf(folder); pids.length > 0 && performance.now() < deadlineMs; pids = pidsOf(folder)) {
    for (const pid of pids) kill(pid);
    await delay(pollMs);
  }
}

/** Removes the control groups of that name, with those in them, from each hierarchy. */
export function removeControlGroups(name: string): void {
  if (!existsSync(controlGroups)) return;
  const hierarchies = readdirSync(controlGroups, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const roots = [controlGroups, ...hierarchies.map((entry) => join(controlGroups, entry.name))];
  for (const root of roots) if (existsSync(join(root, name))) removeGroup(join(root, name));
}

/** Removes a folder with what is mounted in it. */
export async function removeFolder(folder: string): Promise<void> {
  for (const mount of mountsBelow(folder)) await execa('umount', ['--lazy', mount], { reject: false });
  // An engine's layers are very many files, each of which Node would hand to its threads.
  await execa('rm', ['-rf', '--', folder], { reject: false });
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}

/** The processes, mounts and files of an engine in this folder that are still there. */
export function whatIsLeft(folder: string): string[] {
  return [
    ...pidsOf(folder).map((pid) => `process ${pid} of ${folder}`),
    ...mountsBelow(folder).map((place) => `mount ${place}`),
    ...(existsSync(folder) ? [`folder ${folder}`] : []),
  ];
}

/** What is mounted at or below a folder, the innermost first. */
function mountsBelow(folder: string): string[] {
  const places = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '');
  return places.filter((place) => place === folder || place.startsWith(`${folder}/`)).reverse();
}

function pidsOf(folder: string): number[] {
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  return pids.filter((pid) => pid !== process.pid && commandOf(pid).includes(folder));
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function removeGroup(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeGroup(join(folder, entry.name));
  }
  rmdirSync(folder);
}
