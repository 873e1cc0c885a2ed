import type { ContainerInfo, ContainerInspectInfo } from 'dockerode';
import type { RouteTarget } from '../../model/routing.ts';
import type { InstanceState } from '../engine.ts';
import { formatSize } from '../process/limits.ts';
import { LABEL, type Labels } from './labels.ts';

/** Where a container is reached: by the port of loopback that its label names. */
export function targetOf(labels: Labels | undefined): RouteTarget {
  return { kind: 'http', url: `http://127.0.0.1:${labels?.[LABEL.port] ?? 0}`, external: false };
}

/** The state of a container as the engine lists it. */
export function listedState({
  State,
  Status,
  Labels,
}: Pick<ContainerInfo, 'State' | 'Status' | 'Labels'>): InstanceState {
  const state = State.toLowerCase();
  if (state === 'running') return { state: 'running', target: targetOf(Labels) };
  if (state === 'paused') return { state: 'paused', target: targetOf(Labels) };
  if (state === 'created' || state === 'configured' || state === 'initialized') return NOT_STARTED;
  const code = /\((\d+)\)/.exec(Status)?.[1];
  return { state: 'exited', reason: code === undefined ? `${state} (${Status})` : `exited with code ${code}` };
}

/** The state of a container as the engine describes it. */
export function inspectedState({ State, Config }: Pick<ContainerInspectInfo, 'State' | 'Config'>): InstanceState {
  if (State.Paused) return { state: 'paused', target: targetOf(Config.Labels) };
  if (State.Running) return { state: 'running', target: targetOf(Config.Labels) };
  if (['created', 'configured', 'initialized'].includes(State.Status)) {
    return State.Error ? { state: 'exited', reason: `could not be started: ${State.Error}` } : NOT_STARTED;
  }
  return { state: 'exited', reason: endReason(State, Config.Labels) };
}

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
