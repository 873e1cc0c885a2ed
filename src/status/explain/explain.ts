import type { AuditEvent } from '../../model/audit.ts';
import { type EnvName, PROD, STAGE } from '../../model/ids.ts';
import type { RecordedDeployment, RecordedEnvironment } from '../../model/recorded.ts';
import type { Explanation } from '../../model/surface.ts';
import type { RecordedView } from '../../store/recorded.ts';
import { deploymentOf } from '../status-value.ts';
import { liveSentences } from './live-sentences.ts';
import { nextSentences } from './next-sentences.ts';
import { short, time } from './words.ts';

const LAST_EVENTS = 20;

type Place = Explanation['environments'][number];

/** Why an app is as it is in these environments: the chain from commit to state. `events`: all of the app, oldest first. Pure. */
export function explain(
  rows: readonly RecordedDeployment[],
  recorded: RecordedView,
  events: readonly AuditEvent[],
): Place[] {
  return rows
    .toSorted((a, b) => rankOf(a.env) - rankOf(b.env) || (a.env < b.env ? -1 : 1))
    .map((row): Place => {
      const environment = recorded.environments.get(row.env);
      const { url, live, next } = deploymentOf(row, recorded);
      const sentences = [
        ...environmentSentences(environment, recorded),
        ...(row.live === null
          ? [`Nothing of it is live in ${row.env}.`]
          : liveSentences(row, row.live, events, recorded)),
        ...(row.next === null ? [] : nextSentences(row, row.next, recorded)),
        ...(row.next === null && environment?.parked == null && row.live !== null ? ['Nothing is to be done.'] : []),
      ];
      const last = events.filter(({ env }) => env === row.env).slice(-LAST_EVENTS);
      return { env: row.env, kind: environment?.kind ?? 'prod', url, sentences, live, next, events: last };
    });
}

function rankOf(env: EnvName): number {
  return env === PROD ? 0 : env === STAGE ? 1 : 2;
}

/** What a preview comes from, which limit parks it and what brings it back, and since when it is being removed. */
function environmentSentences(environment: RecordedEnvironment | undefined, { config }: RecordedView): string[] {
  if (environment === undefined || environment.kind !== 'preview') return [];
  const { name, heads, cause, parked, endingSince, errors } = environment;
  const ref = cause?.kind === 'commit' ? cause.ref : name;
  const from = Object.entries(heads).map(([repo, commit]) => `${short(commit)} of ${repo}`);
  const main = config.acceptedCause?.kind === 'commit' ? config.acceptedCause.ref : 'main';
  return [
    `${name} is the preview of branch ${ref}: ${from.join(', ')}.`,
    ...errors.slice(0, 3).map(({ file, line, message }) => {
      const place = line === null ? file : `${file}:${line}`;
      return `The branch's newest config does not evaluate, so its last good state goes on: ${place}: ${message}.`;
    }),
    ...(parked === null
      ? []
      : [
          `It is parked: ${parked}. Its data is kept.`,
          `A push to the branch brings it back, or a request for an app that it had up; so do higher limits in previews() on ${main}.`,
        ]),
    ...(endingSince === null ? [] : [`It is being removed since ${time(endingSince)}.`]),
  ];
}
