import type { Problem } from '../../model/errors.ts';
import type { NextState, RecordedDeployment } from '../../model/recorded.ts';
import { isStuck, standingOf } from '../../model/release.ts';
import type { RecordedView } from '../../store/recorded.ts';
import { originSentences } from './live-sentences.ts';
import { causeWords, names, short, time } from './words.ts';

/** What is next, why it waits, and what brings it on. */
export function nextSentences(row: RecordedDeployment, next: NextState, recorded: RecordedView): string[] {
  return [
    ...whatSentences(next),
    ...whySentences(row, next, recorded),
    ...(row.live !== null && !next.removes ? ['What is live goes on meanwhile.'] : []),
  ];
}

function whatSentences(next: NextState): string[] {
  const since = time(next.seenAt);
  if (next.removes) return [`It is to be removed since ${since}, because of ${causeWords(next.cause)}.`];
  if (next.target === null)
    return [`It can't be said what should run (since ${since}), because of ${causeWords(next.cause)}.`];
  const head = `Next is revision ${short(next.target.revision)}, wanted since ${since}: it is ${next.state}.`;
  return [head, ...originSentences(next.target)];
}

function whySentences(row: RecordedDeployment, next: NextState, recorded: RecordedView): string[] {
  if (next.brake !== null) return brakeSentences(next.brake);
  switch (next.state) {
    case 'held':
      return heldSentences(next, recorded);
    case 'quarantined':
      return quarantineSentences(row, next);
    case 'waiting':
    case 'building':
      return [...stageSentences(row, next, recorded), ...buildSentences(next, recorded)];
    case 'starting':
    case 'verifying':
      return verifySentences(next, recorded);
    case 'ready':
    case 'removing':
      return next.release === null ? [] : releaseSentences(next.release, row, recorded);
  }
}

function brakeSentences(hash: string): string[] {
  return [
    'That is held, since a large share of production would go with it.',
    `To let it go on, main must say release(allow_removal = "${hash}"); to keep it, declare the app again.`,
  ];
}

function heldSentences(next: NextState, recorded: RecordedView): string[] {
  const { problem, release } = next;
  if (problem?.code !== 'release-blocked' || release === null) return problemSentences(next.reason, problem);
  const blockers = recorded.membersOf(release).filter((one) => isStuck(one));
  return [
    `It is ready, and held with release ${release}, which is blocked by ${names(blockers.map(({ app }) => app))}.`,
    ...blockers.map(({ app, next: its }) => `${app} is ${its?.state}${its?.reason ? `: ${its.reason}` : ''}.`),
    'Push a fix of what blocks it, or revert its change; then all of it goes on.',
  ];
}

function quarantineSentences(row: RecordedDeployment, next: NextState): string[] {
  return [
    ...problemSentences(next.reason, next.problem),
    `"mainspring logs ${row.app} --env ${row.env}" shows what it printed. It is tried again once a commit changes what is to run.`,
  ];
}

function problemSentences(reason: string | null, problem: Problem | null): string[] {
  const said = problem?.message ?? reason;
  return [...(said === null ? [] : [sentence(said)]), ...(problem?.hint ? [sentence(problem.hint)] : [])];
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** A promotion waits until stage runs the same revision. */
function stageSentences({ app }: RecordedDeployment, { target }: NextState, recorded: RecordedView): string[] {
  const before = target?.policy.after ?? null;
  if (before === null) return [];
  const stage = recorded.deployment(before, app);
  if (stage?.live?.target.revision === target?.revision) return [];
  const state = stage?.next == null ? 'not planned there yet' : `${stage.next.state} there`;
  const release = stage?.next?.release == null ? '' : ` in release ${stage.next.release}`;
  return [`It waits for ${before} to run the same revision, verified, first: it is ${state}${release}.`];
}

function buildSentences({ target, reason, problem, retryAt }: NextState, recorded: RecordedView): string[] {
  const artifact = target === null ? undefined : recorded.artifacts.get(target.artifact);
  const retry = artifact?.retryAt ?? retryAt;
  return [
    ...problemSentences(reason, problem),
    ...(artifact?.state === 'building' ? [`Artifact ${short(artifact.key)} is being built.`] : []),
    ...(artifact?.problem == null ? [] : [`The last try failed: ${sentence(artifact.problem.message)}`]),
    ...(retry === null ? [] : [`It is tried again at ${time(retry)}.`]),
  ];
}

function verifySentences(next: NextState, recorded: RecordedView): string[] {
  const instance = next.instance === null ? undefined : recorded.instances.get(next.instance);
  return [
    ...(next.reason === null ? [] : [`The last look at it: ${sentence(next.reason)}`]),
    ...(instance?.problem == null ? [] : [sentence(instance.problem.message)]),
    ...(next.deadline === null ? [] : [`It has until ${time(next.deadline)} to become healthy.`]),
  ];
}

function releaseSentences(release: string, { app }: RecordedDeployment, recorded: RecordedView): string[] {
  const others = recorded.membersOf(release).filter((one) => one.app !== app && !isReady(one));
  if (others.length === 0) return [`It switches as one with the others of release ${release}.`];
  const said = others.map((one) => `${one.app} (${one.next?.state})`);
  return [`It is ready, and waits for the others of release ${release}: ${names(said)}.`];
}

function isReady({ live, next }: RecordedDeployment): boolean {
  return next !== null && standingOf({ live, next }) === 'ready';
}
