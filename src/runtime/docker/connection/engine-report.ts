import { statfs } from 'node:fs/promises';
import type { DockerSettings } from '../../../model/settings.ts';
import { closingCommands, type MetadataState, metadataState } from '../networks/metadata-guard.ts';
import { DockerConnection, describeAddress } from './connection.ts';
import { abilitiesOf, askInfo, type EngineAbilities, type EngineInfo } from './engine-abilities.ts';
import type { Variables } from './find-engine.ts';

/** One thing that was found out about the container engine. */
export interface EngineRemark {
  readonly state: 'ok' | 'warn' | 'fail';
  readonly message: string;
  readonly hint: string | null;
}

const MIB = 1024 ** 2;

/** Looks for the container engine and at what it can. Changes nothing. */
export async function reportEngine(
  setting: string,
  settings: Pick<DockerSettings, 'networks' | 'minFreeBytes'>,
  env: Variables,
): Promise<readonly EngineRemark[]> {
  if (setting === 'off') return [ok('containers are switched off')];
  const connection = new DockerConnection(setting, env);
  const problem = connection.problem();
  if (problem !== null) return [{ state: 'warn', message: problem.message, hint: problem.hint }];
  const { address } = connection.where();
  const client = await connection.client();
  const { about } = client;
  const info = await askInfo(client.docker, about);
  const abilities = abilitiesOf(info);
  const name = about.kind === 'podman' ? 'Podman' : 'Docker';
  const where = address === null ? '' : ` at ${describeAddress(address)}`;
  const parts = [`storage ${info.storage ?? 'unknown'}`, `cgroup version ${info.cgroupVersion}`];
  return [
    ok(`${name} ${about.version} (API ${about.apiVersion})${where}: ${parts.join(', ')}`),
    ...limitRemarks(abilities),
    ...pauseRemarks(abilities),
    ...(await roomRemarks(info, settings.minFreeBytes)),
    ...(client.self === null ? [] : [ok('Mainspring is a container of it, and joins the network of each environment')]),
    await metadataRemark(settings.networks, { rootless: abilities.isRootless, contained: client.self !== null }),
  ];
}

function ok(message: string): EngineRemark {
  return { state: 'ok', message, hint: null };
}

function limitRemarks({ limits, isRootless }: EngineAbilities): EngineRemark[] {
  const missing = Object.entries(limits).flatMap(([kind, enforced]) => (enforced ? [] : [kind]));
  if (missing.length === 0) return [];
  const how = isRootless ? ' (of cgroup version 2: with systemd, Delegate= of user@.service)' : '';
  const hint = `One app can take all of the machine. Give the engine these cgroup controllers${how}.`;
  return [{ state: 'warn', message: `the engine enforces no limit of ${missing.join(', ')}`, hint }];
}

function pauseRemarks({ pauses }: EngineAbilities): EngineRemark[] {
  if (pauses) return [];
  const hint = 'Apps without use are stopped after idle.stop and wake slower. Boot the machine with cgroup version 2.';
  return [{ state: 'warn', message: 'the engine can not pause containers: it is rootless, on cgroup version 1', hint }];
}

async function roomRemarks({ root }: EngineInfo, minFreeBytes: number): Promise<EngineRemark[]> {
  if (root === undefined || root === '') return [];
  const disk = await statfs(root).catch(() => null);
  if (disk === null) return [];
  const free = disk.bavail * disk.bsize;
  const message = `${Math.floor(free / MIB)} MiB free for ${root}`;
  if (free >= minFreeBytes) return [ok(message)];
  return [{ state: 'fail', message, hint: 'Builds are held. Make room there, or lower [docker] min_free.' }];
}

interface Firewall {
  readonly rootless: boolean;
  readonly contained: boolean;
}

async function metadataRemark(range: string, { rootless, contained }: Firewall): Promise<EngineRemark> {
  if (rootless) {
    const hint =
      'On a machine of a cloud, have it want a session token for that address (IMDSv2 with a hop limit of 1).';
    return {
      state: 'warn',
      message: 'containers may reach cloud metadata (169.254.169.254): the engine is rootless',
      hint,
    };
  }
  const state: MetadataState = contained
    ? {
        isClosed: false,
        reason: 'the firewall of the machine can’t be reached from the container that Mainspring runs in',
      }
    : await metadataState(range);
  if (state.isClosed) return ok(`containers can't reach cloud metadata (169.254.169.254)`);
  const message = `containers can reach cloud metadata (169.254.169.254): ${state.reason}`;
  return {
    state: 'warn',
    message,
    hint: `As root${contained ? ', on the machine' : ''}: ${closingCommands(range).join('; ')}`,
  };
}
