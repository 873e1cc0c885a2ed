import { causeText } from '../cli/render-audit.ts';
import { configErrorLines } from '../cli/render-status.ts';
import { oneLine, type Paint, shortId } from '../cli/terminal.ts';
import type { AuditLine, SurfaceError } from '../model/surface.ts';

/** What an event does not say itself. */
export interface Around {
  /** The first line of a commit's message; empty where it is not known. */
  readonly subject: string;
  /** The errors of the commit, with their hints, while they are the newest. */
  readonly errors: readonly SurfaceError[];
  /** Where the app is reached; null where there is none (any more). */
  readonly url: string | null;
}

type Detail = AuditLine['detail'];

/** An event of the audit log as the demo tells it: one line, more for errors of the config, none for what only matters inside. */
export function narrate(line: AuditLine, around: Around, paint: Paint): string[] {
  const told = tell(line, around, paint);
  const time = paint('dim', line.at.slice(11, 19));
  return told.map((text, index) => (index === 0 ? `${time}  ${text}` : `          ${text}`));
}

function tell(line: AuditLine, around: Around, paint: Paint): string[] {
  const { detail } = line;
  const app = paint('bold', oneLine(line.app ?? ''));
  switch (line.kind) {
    case 'config.accepted':
      return [`${commitText(line, around, paint)} accepted`];
    case 'config.rejected':
      return [
        `${commitText(line, around, paint)} ${paint('red', 'rejected')}; what runs goes on`,
        ...rejection(detail, around, paint),
      ];
    case 'environment.opened':
    case 'environment.rejected':
    case 'environment.parked':
    case 'environment.unparked':
    case 'environment.ending':
    case 'environment.removed':
      return tellEnvironment(line, around, paint);
    case 'release.planned':
    case 'release.joined':
    case 'release.held':
    case 'release.resumed':
    case 'release.live':
      return tellRelease(line, paint);
    case 'deployment.live':
      return [
        `${app} is ${liveWhere(line, paint)}${howLong(detail)}${around.url === null ? '' : `: ${oneLine(around.url)}`}`,
      ];
    case 'deployment.settings':
      return [`${app} has other settings${inWhere(line)} now; nothing was restarted`];
    case 'deployment.quarantined':
    case 'instance.failed':
    case 'artifact.failed':
      return [
        `${app} ${paint('red', line.kind.split('.').join(' '))}${inWhere(line)}: ${oneLine(String(detail.message ?? ''))}`,
      ];
    case 'deployment.removed':
      return [`${app} is gone${inWhere(line)}`];
    case 'removal.held':
      return [
        `${app} is kept (${paint('yellow', 'held')}): ${oneLine(`to remove so much, main must say ${allowance(detail)}`)}`,
      ];
    case 'deployment.held':
      return [`${app} is ${paint('yellow', 'held')}${inWhere(line)}: ${oneLine(heldText(detail))}`];
    case 'deployment.promotable':
      return [`${app} goes on to ${oneLine(line.env ?? '')}: what held it in stage is mended`];
    case 'drift.seen':
      return [
        `${app} ${paint('yellow', 'is not as it should be')} (${oneLine(causeText(line.cause))}); it is being repaired`,
      ];
    case 'drift.repaired':
      return [`${app} serves again`];
    case 'source.stale':
      return [`${paint('yellow', 'stale')}: ${oneLine(String(detail.message ?? ''))}`];
    case 'source.recovered':
      return ['the repo answers again'];
    default:
      return [];
  }
}

/** What happens to an environment as such. */
function tellEnvironment(line: AuditLine, around: Around, paint: Paint): string[] {
  const { kind, detail, cause } = line;
  const preview = `preview ${paint('bold', oneLine(line.env ?? ''))}`;
  const why = typeof detail.why === 'string' ? `: ${oneLine(detail.why)}` : '';
  switch (kind) {
    case 'environment.opened':
      // Production and stage are there from the start; a preview is of a branch.
      if (cause.kind !== 'commit' || line.env === 'prod' || line.env === 'stage') return [];
      return [`${preview} of branch ${oneLine(cause.ref)}, ${commitText(line, around, paint)}, is being made`];
    case 'environment.rejected':
      return [
        `${preview}: the config of its branch is ${paint('red', 'rejected')}; what it runs goes on`,
        ...rejection(detail, { ...around, errors: [] }, paint),
      ];
    case 'environment.parked':
      return [`${preview} is ${paint('yellow', 'parked')}${why}`];
    case 'environment.unparked':
      return [`${preview} is back`];
    case 'environment.ending':
      return [`${preview} is over${why}`];
    default:
      return [`${preview} is gone, with all that it had`];
  }
}

/** What happens to what switches as one. */
function tellRelease({ kind, env, detail, cause }: AuditLine, paint: Paint): string[] {
  // What goes with its environment has been told with that.
  if (cause.kind !== 'commit') return [];
  const members = namesIn(detail.members);
  const where = oneLine(env ?? '');
  switch (kind) {
    case 'release.planned':
      return [`${members} will switch as one in ${where}`];
    case 'release.joined':
      return [`${members} will switch as one in ${where}, with what was on its way`];
    case 'release.held':
      return [
        `${members} are ${paint('yellow', 'held')} in ${where}: none switches, because of ${namesIn(detail.blocked_by)}`,
      ];
    case 'release.resumed':
      return [`${members} go on in ${where}: what held them is mended`];
    default:
      return [`${members} have switched as one in ${where}`];
  }
}

function namesIn(value: Detail[string] | undefined): string {
  return Array.isArray(value) ? oneLine(value.join(', ')) : '';
}

/** Where something is live; production goes without saying. */
function liveWhere(line: AuditLine, paint: Paint): string {
  return `${paint('green', 'live')}${inWhere(line)}`;
}

function inWhere({ env }: AuditLine): string {
  return env === null || env === 'prod' ? '' : ` in ${oneLine(env)}`;
}

function heldText({ message }: Detail): string {
  return typeof message === 'string' ? message : 'it waits for a change in git; "mainspring status" says for which';
}

function commitText({ cause }: AuditLine, { subject }: Around, paint: Paint): string {
  if (cause.kind !== 'commit') return 'the config was';
  const message = subject === '' ? '' : ` "${oneLine(subject)}"`;
  return `commit ${paint('cyan', shortId(cause.commit))}${message}`;
}

function howLong({ seen_ms_ago: ms }: Detail): string {
  return typeof ms === 'number' ? `, ${ms} ms after the commit was seen` : '';
}

function allowance({ removal_hash: hash }: Detail): string {
  return `release(allow_removal = "${String(hash)}")`;
}

/** The status has the hints; the event has the errors for as long as it is kept. */
function rejection(detail: Detail, { errors }: Around, paint: Paint): string[] {
  if (errors.length > 0) return errors.flatMap((error) => configErrorLines(error, paint));
  const recorded = (Array.isArray(detail.errors) ? detail.errors : []) as unknown as SurfaceError[];
  return recorded.flatMap((error) => configErrorLines({ ...error, hint: null }, paint));
}
