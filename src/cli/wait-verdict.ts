import type { Status, StatusDeployment, StatusEnvironment } from '../model/surface.ts';
import { shortId } from './terminal.ts';

/** What is waited for. */
export interface WaitFor {
  readonly commit: string;
  /** Null: prod and stage. */
  readonly env: string | null;
  /** How many listings of the config repo were begun and ended since the waiting began. */
  readonly listings: number;
}

/** How it stands with a commit, and why. */
export type WaitVerdict =
  | { readonly kind: 'pending'; readonly message: string }
  /** Another commit took its place: wait for that one. */
  | { readonly kind: 'follow'; readonly commit: string; readonly message: string }
  | { readonly kind: 'live'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string; readonly reasons: readonly string[] };

type Next = NonNullable<StatusDeployment['next']>;

// A listing that had begun when the waiting did may be from before the push; the second one after that is not.
const ENOUGH_LISTINGS = 2;

/** Judges a commit by one status, asked for with that commit. Pure: time-outs are the caller's. */
export function waitVerdict(status: Status, want: WaitFor): WaitVerdict {
  const { config, about } = status;
  const { commit } = want;
  if (commit === config.commit && config.errors.length > 0) return rejected(status, commit);
  if (commit === config.accepted) return acceptedVerdict(status, want);
  if (commit === config.commit) return pending(`${shortId(commit)} was seen and is being evaluated`);
  const successor = about?.by ?? (about?.role === 'config' ? config.commit : null);
  if (about?.state === 'superseded' && successor !== null && successor !== commit) {
    return { kind: 'follow', commit: successor, message: `${shortId(commit)} was superseded by ${shortId(successor)}` };
  }
  if (isSourceCommit(status, commit)) return sourceVerdict(status, want);
  return unknownVerdict(status, want);
}

function pending(message: string): WaitVerdict {
  return { kind: 'pending', message };
}

function rejected({ config }: Status, commit: string): WaitVerdict {
  const reasons = config.errors.map(({ file, line, message, hint }) => {
    const place = line === null ? file : `${file}:${line}`;
    return `${place}: ${message}${hint === null ? '' : ` (${hint})`}`;
  });
  return { kind: 'failed', message: `${shortId(commit)} was rejected; what runs goes on`, reasons };
}

function acceptedVerdict(status: Status, want: WaitFor): WaitVerdict {
  const commit = shortId(want.commit);
  if (status.config.planned !== want.commit) return pending(`${commit} was accepted and is being planned`);
  const environments = environmentsOf(status, want.env);
  if (environments.length === 0) {
    const message = `there is no environment "${want.env ?? 'prod'}"`;
    return { kind: 'failed', message, reasons: [] };
  }
  return judge(status, environments.flatMap(placed), { what: commit });
}

function environmentsOf(status: Status, env: string | null): readonly StatusEnvironment[] {
  return status.environments.filter(({ name, kind }) => (env === null ? kind !== 'preview' : name === env));
}

interface Placed {
  readonly env: string;
  readonly deployment: StatusDeployment;
}

function placed(environment: StatusEnvironment): Placed[] {
  return environment.deployments.map((deployment) => ({ env: environment.name, deployment }));
}

function judge(status: Status, all: readonly Placed[], of: { readonly what: string }): WaitVerdict {
  const going = all.filter(({ deployment }) => deployment.next !== null);
  const moving = going.filter(({ deployment }) => isMoving(deployment.next, status.settled));
  if (moving.length > 0) {
    const names = moving.slice(0, 3).map(({ deployment }) => `${deployment.app} ${deployment.next?.state}`);
    const more = moving.length > 3 ? `, and ${moving.length - 3} more` : '';
    return pending(`${of.what} is on its way: ${names.join(', ')}${more}`);
  }
  if (going.length === 0) return { kind: 'live', message: `${of.what} is live (${appCount(all.length)})` };
  const message = `${of.what} is not live everywhere: ${going.length} of ${appCount(all.length)} ${going.length === 1 ? 'is' : 'are'} stuck`;
  return { kind: 'failed', message, reasons: going.map(stuckReason) };
}

function isMoving(next: Next | null, isSettled: boolean): boolean {
  // Once all is settled nothing moves by itself, whatever its state is called.
  return next !== null && !isSettled && next.state !== 'held' && next.state !== 'quarantined';
}

function stuckReason({ env, deployment: { app, next } }: Placed): string {
  return `${app} in ${env} is ${next?.state}${next?.reason == null ? '' : `: ${next.reason}`}`;
}

function appCount(count: number): string {
  return count === 1 ? '1 app' : `${count} apps`;
}

function isSourceCommit(status: Status, commit: string): boolean {
  if (status.about?.role === 'source' && status.about.state === 'current') return true;
  return status.environments.flatMap(placed).some((one) => isFrom(one, commit));
}

function isFrom({ deployment: { live, next } }: Placed, commit: string): boolean {
  return live?.source_commit === commit || next?.source_commit === commit;
}

function sourceVerdict(status: Status, want: WaitFor): WaitVerdict {
  const all = environmentsOf(status, want.env).flatMap(placed);
  const from = all.filter((one) => isFrom(one, want.commit));
  if (from.length > 0) return judge(status, from, { what: shortId(want.commit) });
  // Apps follow it, yet none runs from it: it changed nothing that they use, or it is not planned yet.
  if (!status.settled) return pending(`${shortId(want.commit)} was seen and is being planned`);
  return { kind: 'live', message: `${shortId(want.commit)} changes no app; what runs is up to date` };
}

function unknownVerdict(status: Status, want: WaitFor): WaitVerdict {
  const { repo, branch, commit } = status.config;
  if (want.listings < ENOUGH_LISTINGS) return pending(`${shortId(want.commit)} was not seen yet`);
  const points = commit === null ? 'nothing' : shortId(commit);
  const message = `${shortId(want.commit)} is not deployed: ${branch} of ${repo} points to ${points}, and no app follows it`;
  return { kind: 'failed', message, reasons: [] };
}
