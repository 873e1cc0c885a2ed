import type { Status, StatusDeployment, StatusEnvironment, SurfaceError } from '../model/surface.ts';
import { byEnvironment } from './environment-order.ts';
import { columns, oneLine, type Paint, shortId, timeText } from './terminal.ts';

type Next = NonNullable<StatusDeployment['next']>;

/** What runs, as a person reads it. */
export function renderStatus(status: Status, paint: Paint): string {
  const blocks = [
    headLines(status, paint),
    ...status.environments
      .toSorted((a, b) => byEnvironment(a.name, b.name))
      .map((environment) => environmentLines(environment, paint)),
    releaseLines(status, paint),
    staleLines(status, paint),
    footLines(status, paint),
  ];
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function headLines(status: Status, paint: Paint): string[] {
  const { config } = status;
  const rows = [
    ['config', `${oneLine(config.repo)} ${oneLine(config.branch)}`],
    ['commit', commitText(config, paint)],
    ['state', status.settled ? paint('green', 'settled') : paint('yellow', 'working')],
  ];
  return [...columns(rows), ...config.errors.flatMap((error) => configErrorLines(error, paint))];
}

function commitText(config: Status['config'], paint: Paint): string {
  if (config.commit === null) return paint('dim', 'none seen yet');
  if (config.accepted === config.commit) return shortId(config.commit);
  const accepted = config.accepted === null ? 'nothing runs yet' : `${shortId(config.accepted)} goes on`;
  const what = config.errors.length > 0 ? paint('red', 'rejected') : paint('yellow', 'being evaluated');
  return `${shortId(config.commit)} ${what}; ${accepted}`;
}

/** One error of the config: place, message, hint. */
export function configErrorLines(error: SurfaceError, paint: Paint): string[] {
  const place = error.line === null ? error.file : `${error.file}:${error.line}`;
  const head = `${paint('red', `error[${error.code}]`)} ${paint('bold', oneLine(place))}: ${oneLine(error.message)}`;
  return error.hint === null ? [head] : [head, `  ${paint('cyan', 'hint')}: ${oneLine(error.hint)}`];
}

function environmentLines(environment: StatusEnvironment, paint: Paint): string[] {
  const { cause } = environment;
  const from = cause?.kind === 'commit' ? paint('dim', ` from ${oneLine(cause.ref)} of ${oneLine(cause.repo)}`) : '';
  const title = `${paint('bold', oneLine(environment.name))}${from}${standingText(environment, paint)}`;
  const errors = (environment.errors ?? []).flatMap((error) => configErrorLines(error, paint));
  if (environment.deployments.length === 0) return [title, ...errors, paint('dim', '  no apps')];
  const head = ['APP', 'STATE', 'REVISION', 'CONFIG', 'SOURCE', 'SINCE', 'URL'].map((name) => paint('dim', name));
  const rows = columns([head, ...environment.deployments.map((deployment) => liveRow(deployment, paint))], '  ');
  const remarks = environment.deployments.map((deployment) => remarkLines(deployment, paint));
  const table = rows.flatMap((row, index) => (index === 0 ? [row] : [row, ...(remarks[index - 1] ?? [])]));
  return [title, ...errors, ...table];
}

/** What is out of the ordinary about an environment as such. */
function standingText({ parked, parked_why: why, ending_since: ending }: StatusEnvironment, paint: Paint): string {
  const since = ending == null ? '' : paint('yellow', `, being removed since ${timeText(ending)}`);
  if (!parked) return since;
  return `${paint('yellow', why == null ? ', parked' : `, parked: ${oneLine(why)}`)}${since}`;
}

function liveRow({ app, url, live, next }: StatusDeployment, paint: Paint): string[] {
  if (live === null) {
    return [
      oneLine(app),
      paint(next === null ? 'dim' : 'yellow', next?.state ?? 'nothing'),
      '-',
      '-',
      '-',
      '-',
      oneLine(url),
    ];
  }
  return [
    oneLine(app),
    liveState(live, paint),
    shortId(live.revision),
    shortId(live.config_commit),
    live.source_commit === null ? '-' : shortId(live.source_commit),
    timeText(live.since),
    oneLine(url),
  ];
}

function liveState(live: NonNullable<StatusDeployment['live']>, paint: Paint): string {
  if (live.condition !== null) return paint('yellow', oneLine(live.condition.reason));
  return live.asleep ? paint('dim', 'asleep') : paint('green', 'live');
}

function remarkLines({ live, next }: StatusDeployment, paint: Paint): string[] {
  const lines: string[] = [];
  if (live?.condition) {
    lines.push(
      `    ${paint('yellow', 'now')}   ${oneLine(live.condition.message)} (since ${timeText(live.condition.since)})`,
    );
  }
  if (next !== null) lines.push(`    ${paint('cyan', 'next')}  ${nextText(next, paint)}`);
  return lines;
}

function nextText(next: Next, paint: Paint): string {
  const isStuck = next.state === 'held' || next.state === 'quarantined';
  const state = paint(isStuck ? 'red' : 'yellow', next.state);
  const parts = [state];
  if (next.revision !== null) parts.push(`revision ${shortId(next.revision)}`);
  if (next.config_commit !== null) parts.push(`config ${shortId(next.config_commit)}`);
  if (next.source_commit !== null) parts.push(`source ${shortId(next.source_commit)}`);
  return `${parts.join(', ')}${next.reason === null ? '' : `: ${oneLine(next.reason)}`}`;
}

function releaseLines(status: Status, paint: Paint): string[] {
  return status.releases.map(({ id, env, state, members, blocked_by, removal_hash }) => {
    const blocked = blocked_by.length === 0 ? '' : `; blocked by ${blocked_by.map(oneLine).join(', ')}`;
    const brake = removal_hash === null ? '' : `; to go on, say release(allow_removal = "${removal_hash}") on main`;
    return `${paint('bold', `release ${oneLine(id)}`)} of ${oneLine(env)}: ${oneLine(state)}, ${members.map(oneLine).join(', ')} switch as one${blocked}${brake}`;
  });
}

function staleLines(status: Status, paint: Paint): string[] {
  return status.sources.flatMap((source) => {
    if (source.error === null) return [];
    const since = source.as_of === null ? 'never listed' : `as of ${timeText(source.as_of)}`;
    const head = `${paint('yellow', 'stale')} ${oneLine(source.repo)} (${since}): ${oneLine(source.error.message)}`;
    return source.error.hint === null ? [head] : [head, `  ${paint('cyan', 'hint')}: ${oneLine(source.error.hint)}`];
  });
}

function footLines(status: Status, paint: Paint): string[] {
  const idle = status.not_in_effect ?? [];
  const lines = idle.length === 0 ? [] : [`${paint('yellow', 'not in effect yet')}: ${idle.map(oneLine).join(', ')}`];
  return [...lines, paint('dim', `Mainspring ${oneLine(status.version)}, audit log at ${oneLine(status.audit.head)}`)];
}
