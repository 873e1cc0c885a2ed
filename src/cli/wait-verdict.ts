import type { Status, StatusEnvironment } from '../model/surface.ts';
import { shortId } from './terminal.ts';
import { branchVerdict } from './wait-branch.ts';
import { judge, type Placed, pending, placed, rejection, type WaitVerdict } from './wait-judge.ts';

/** What is waited for. */
export interface WaitFor {
  readonly commit: string;
  /** Null: prod and stage, or the preview of the branch that the commit is on. */
  readonly env: string | null;
  /** How many listings of the config repo were begun and ended since the waiting began. */
  readonly listings: number;
}

// A listing that had begun when the waiting did may be from before the push; the second one after that is not.
const ENOUGH_LISTINGS = 2;

/** Judges a commit by one status, asked for with that commit. Pure: time-outs are the caller's. */
export function waitVerdict(status: Status, want: WaitFor): WaitVerdict {
  const { config, about } = status;
  const { commit } = want;
  if (commit === config.commit && config.errors.length > 0) return rejected(status, commit);
  if (commit === config.accepted) return acceptedVerdict(status, want);
  if (commit === config.commit) return pending(`${shortId(commit)} was seen and is being evaluated`);
  if (about?.branch != null) return branchVerdict(status, about, want);
  if (about?.role === 'config' && about.state === 'current') return pending(`${shortId(commit)} was seen`);
  const successor = about?.by ?? (about?.role === 'config' ? config.commit : null);
  if (about?.state === 'superseded' && successor !== null && successor !== commit) {
    return { kind: 'follow', commit: successor, message: `${shortId(commit)} was superseded by ${shortId(successor)}` };
  }
  if (isSourceCommit(status, commit)) return sourceVerdict(status, want);
  return unknownVerdict(status, want);
}

function rejected({ config }: Status, commit: string): WaitVerdict {
  return rejection(commit, config.errors);
}

function acceptedVerdict(status: Status, want: WaitFor): WaitVerdict {
  const commit = shortId(want.commit);
  if (status.config.planned !== want.commit) return pending(`${commit} was accepted and is being planned`);
  const environments = environmentsOf(status, want.env);
  if (environments.length === 0) {
    const message = `there is no environment "${want.env ?? 'prod'}"`;
    return { kind: 'failed', message, reasons: [] };
  }
  return judge(status, environments.flatMap(placed), commit);
}

function environmentsOf(status: Status, env: string | null): readonly StatusEnvironment[] {
  return status.environments.filter(({ name, kind }) => (env === null ? kind !== 'preview' : name === env));
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
  if (from.length > 0) return judge(status, from, shortId(want.commit));
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
