import type { AuditEvent } from '../../model/audit.ts';
import { isoTime } from '../../model/clock.ts';
import type { Target } from '../../model/desired.ts';
import type { LiveState, RecordedDeployment, RecordedInstance } from '../../model/recorded.ts';
import type { RecordedView } from '../../store/recorded.ts';
import { causeWords, names, short, time } from './words.ts';

/** What is live, since when, from which commits, with which artifact, and by which way it got there. `events`: all of the app, oldest first. */
export function liveSentences(
  row: RecordedDeployment,
  live: LiveState,
  events: readonly AuditEvent[],
  recorded: Pick<RecordedView, 'instances'>,
): string[] {
  const { target } = live;
  return [
    `Revision ${short(target.revision)} is live in ${row.env} since ${time(live.since)}, at ${target.values.url}.`,
    ...originSentences(target),
    ...switchSentences(row, live, events),
    ...artifactSentences(target, events),
    ...promotionSentences(row, target, events),
    ...(live.asleep ? [sleepSentence(recorded.instances.get(live.instance))] : []),
    ...conditionSentences(live),
  ];
}

/** The commits that say what a target is. */
export function originSentences({ causes }: Target): string[] {
  const { config, source } = causes;
  if (source === null) return [`It is declared, with its files, by ${causeWords(config)}.`];
  return [`Its files are those of ${causeWords(source)}.`, `It is declared by ${causeWords(config)}.`];
}

function switchSentences({ env }: RecordedDeployment, live: LiveState, events: readonly AuditEvent[]): string[] {
  const event = events.findLast(
    ({ kind, env: where, detail }) =>
      kind === 'deployment.live' && where === env && detail.revision === live.target.revision,
  );
  if (event === undefined) return [];
  const { was, release } = event.detail;
  const before = typeof was === 'string' ? `in place of revision ${short(was)}` : 'as the first of its kind there';
  const together = typeof release === 'string' ? `, together with the others of release ${release}` : '';
  return [`It went live ${before}${together}, because of ${causeWords(event.cause)}.`];
}

function artifactSentences({ artifact }: Target, events: readonly AuditEvent[]): string[] {
  const builds = events.filter(({ kind, detail }) => kind === 'artifact.built' && detail.artifact === artifact);
  const [last] = builds.slice(-1);
  if (last === undefined) return [`It runs artifact ${short(artifact)}.`];
  const again = builds.length === 1 ? 'once' : `${builds.length} times, the last`;
  return [`Its artifact ${short(artifact)} was built ${again} at ${time(last.at)}, for ${last.env}.`];
}

/** Where the very same revision was live before. */
function promotionSentences(row: RecordedDeployment, target: Target, events: readonly AuditEvent[]): string[] {
  const before = new Map<string, string>();
  for (const { kind, env, detail, at } of events) {
    if (kind === 'deployment.live' && env !== null && env !== row.env && detail.revision === target.revision)
      before.set(env, at);
  }
  const said = [...before].map(([env, at]) => `${env} (${time(at)})`);
  if (said.length === 0) return [];
  const { after } = target.policy;
  if (after !== null && before.has(after))
    return [`It was promoted from ${after}: the same revision went live before in ${names(said)}.`];
  return row.env === 'prod' ? [`The same revision went live before in ${names(said)}.`] : [];
}

function sleepSentence(instance: Pick<RecordedInstance, 'state' | 'idleSince'> | undefined): string {
  if (instance?.state !== 'paused') return 'It is asleep (stopped): the next request wakes it.';
  const since = instance.idleSince === null ? '' : `, nobody used it since ${time(isoTime(instance.idleSince))}`;
  return `It is asleep (paused${since}): the next request wakes it.`;
}

function conditionSentences({ suspended, condition }: LiveState): string[] {
  return [
    ...(suspended ? ['It is stopped while its replacement starts (strategy = "replace"); requests wait.'] : []),
    ...(condition === null
      ? []
      : [`Since ${time(condition.since)} it is not as it should be (${condition.reason}): ${condition.message}.`]),
  ];
}
