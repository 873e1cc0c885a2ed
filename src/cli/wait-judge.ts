import type { Status, StatusDeployment, StatusEnvironment, SurfaceError } from '../model/surface.ts';
import { shortId } from './terminal.ts';

/** How it stands with a commit, and why. */
export type WaitVerdict =
  | { readonly kind: 'pending'; readonly message: string }
  /** Another commit took its place: wait for that one. */
  | { readonly kind: 'follow'; readonly commit: string; readonly message: string }
  | { readonly kind: 'live'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string; readonly reasons: readonly string[] };

type Next = NonNullable<StatusDeployment['next']>;

/** A deployment, and where it is. */
export interface Placed {
  readonly env: string;
  readonly deployment: StatusDeployment;
}

/** The deployments of an environment. */
export function placed(environment: StatusEnvironment): Placed[] {
  return environment.deployments.map((deployment) => ({ env: environment.name, deployment }));
}

/** It goes on by itself. */
export function pending(message: string): WaitVerdict {
  return { kind: 'pending', message };
}

/** The config of a commit does not evaluate. */
export function rejection(commit: string, errors: readonly SurfaceError[]): WaitVerdict {
  const reasons = errors.map(({ file, line, message, hint }) => {
    const place = line === null ? file : `${file}:${line}`;
    return `${place}: ${message}${hint === null ? '' : ` (${hint})`}`;
  });
  return { kind: 'failed', message: `${shortId(commit)} was rejected; what runs goes on`, reasons };
}

/** How it stands with what a commit concerns: on its way, live, or stuck and why. */
export function judge(status: Status, all: readonly Placed[], what: string): WaitVerdict {
  const going = all.filter(({ deployment }) => deployment.next !== null);
  const moving = going.filter(({ deployment }) => isMoving(deployment.next, status.settled));
  if (moving.length > 0) {
    const names = moving.slice(0, 3).map((one) => movingText(one, all, status));
    const more = moving.length > 3 ? `, and ${moving.length - 3} more` : '';
    return pending(`${what} is on its way: ${names.join(', ')}${more}`);
  }
  if (going.length === 0) return { kind: 'live', message: `${what} is live (${appCount(all)})` };
  const verb = countOf(going) === 1 ? 'is' : 'are';
  const message = `${what} is not live everywhere: ${countOf(going)} of ${appCount(all)} ${verb} stuck`;
  return { kind: 'failed', message, reasons: going.map((one) => stuckReason(one, status)) };
}

function isMoving(next: Next | null, isSettled: boolean): boolean {
  // Once all is settled nothing moves by itself, whatever its state is called.
  return next !== null && !isSettled && next.state !== 'held' && next.state !== 'quarantined';
}

function movingText({ env, deployment: { app, next } }: Placed, all: readonly Placed[], status: Status): string {
  const of = `${app} in ${env}`;
  const isFirst = next?.state === 'waiting' || next?.state === 'building';
  const stage = all.find((one) => one.env === 'stage' && one.deployment.app === app && one.deployment.next !== null);
  if (env === 'prod' && isFirst && stage !== undefined) return `${of} waits for stage`;
  if (next?.state !== 'ready' || next.release === null) return `${of} ${next?.state}`;
  const others = status.releases.find(({ id }) => id === next.release)?.members ?? [];
  return `${of} waits for the others of release ${next.release} (${others.filter((one) => one !== app).join(', ')})`;
}

function stuckReason({ env, deployment: { app, next } }: Placed, status: Status): string {
  const release = status.releases.find(({ id }) => id === next?.release);
  const blockers = (release?.blocked_by ?? []).filter((one) => one !== app && !(next?.reason ?? '').includes(one));
  const blocked = blockers.length === 0 ? '' : ` (release ${release?.id} is blocked by ${blockers.join(', ')} too)`;
  return `${app} in ${env} is ${next?.state}${next?.reason == null ? '' : `: ${next.reason}`}${blocked}`;
}

function countOf(all: readonly Placed[]): number {
  return new Set(all.map(({ deployment }) => deployment.app)).size;
}

function appCount(all: readonly Placed[]): string {
  const count = countOf(all);
  return count === 1 ? '1 app' : `${count} apps`;
}
