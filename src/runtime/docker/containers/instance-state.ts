import type { ContainerInfo, ContainerInspectInfo } from 'dockerode';
import type { RouteTarget } from '../../../model/routing.ts';
import type { InstanceState } from '../../engine.ts';
import { formatSize } from '../../process/limits.ts';
import { LABEL, type Labels } from '../labels.ts';
import { targetOf } from './reach.ts';

/** The state of a container as the engine lists it, for us in the container `self`. */
export function listedState(
  { State, Status, Labels, NetworkSettings }: Pick<ContainerInfo, 'State' | 'Status' | 'Labels' | 'NetworkSettings'>,
  self: string | null,
): InstanceState {
  const state = State.toLowerCase();
  if (state === 'running' || state === 'paused')
    return reachable(state, targetOf({ labels: Labels, networks: NetworkSettings?.Networks }, self));
  if (state === 'created' || state === 'configured' || state === 'initialized') return NOT_STARTED;
  const code = /\((\d+)\)/.exec(Status)?.[1];
  return { state: 'exited', reason: code === undefined ? `${state} (${Status})` : `exited with code ${code}` };
}

/** The state of a container as the engine describes it, for us in the container `self`. */
export function inspectedState(
  { State, Config, NetworkSettings }: Pick<ContainerInspectInfo, 'State' | 'Config' | 'NetworkSettings'>,
  self: string | null,
): InstanceState {
  const target = () => targetOf({ labels: Config.Labels, networks: NetworkSettings.Networks }, self);
  if (State.Paused) return reachable('paused', target());
  const sick = sickness({ State, Config });
  if (sick !== null) return { state: 'exited', reason: sick };
  if (State.Running) return reachable('running', target());
  if (['created', 'configured', 'initialized'].includes(State.Status)) {
    return State.Error ? { state: 'exited', reason: `could not be started: ${State.Error}` } : NOT_STARTED;
  }
  return { state: 'exited', reason: endReason(State, Config.Labels) };
}

/** Whoever runs where we can't reach it is to be made anew. */
function reachable(state: 'running' | 'paused', target: RouteTarget | undefined): InstanceState {
  if (target !== undefined) return { state, target };
  return { state: 'exited', reason: 'it can’t be reached from where Mainspring runs now' };
}

/**
 * Why a container that runs is as good as ended, by the HEALTHCHECK of its image; null: it is not, or has none. Told by how many checks failed in a
 * row: the engine's own word for it says `unhealthy` of a container that was just let go on after a pause, too.
 */
export function sickness({ State, Config }: Pick<ContainerInspectInfo, 'State' | 'Config'>): string | null {
  if (!State.Running || State.Paused || State.Health?.Status !== 'unhealthy') return null;
  const { FailingStreak: failed, Log: looks } = State.Health;
  const { Healthcheck: check } = Config as { readonly Healthcheck?: { readonly Retries?: number } };
  if (failed < (check?.Retries || DEFAULT_RETRIES)) return null;
  const said = looks?.at(-1)?.Output.trim().slice(0, MOST_CHARACTERS);
  return `unhealthy: the HEALTHCHECK of its image failed ${failed} times in a row${said ? ` (last: ${said})` : ''}`;
}

/** Whether an engine that lists a container has doubts about its health: a closer look tells. */
export function isDoubtful({ State, Status }: Pick<ContainerInfo, 'State' | 'Status'>): boolean {
  return State.toLowerCase() === 'running' && Status.includes('(unhealthy)');
}

/** Docker's own, where an image names none. */
const DEFAULT_RETRIES = 3;
const MOST_CHARACTERS = 200;

/** Why a container ended, for people. */
export function endReason(
  { OOMKilled, ExitCode, Error: fault }: Pick<ContainerInspectInfo['State'], 'OOMKilled' | 'ExitCode' | 'Error'>,
  labels: Labels | undefined,
): string {
  const limit = Number(labels?.[LABEL.memory] ?? 0);
  if (OOMKilled) {
    const words = limit > 0 ? ` of ${formatSize(limit)}` : '';
    return `killed: it went over its memory limit${words} (container_opts memory)`;
  }
  return `exited with code ${ExitCode}${fault ? `: ${fault}` : ''}`;
}

const NOT_STARTED: InstanceState = { state: 'exited', reason: 'it was made, but not started' };
