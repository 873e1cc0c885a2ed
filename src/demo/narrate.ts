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
    case 'deployment.live':
      return [
        `${app} is ${paint('green', 'live')}${howLong(detail)}${around.url === null ? '' : `: ${oneLine(around.url)}`}`,
      ];
    case 'deployment.settings':
      return [`${app} has other settings now; nothing was restarted`];
    case 'deployment.quarantined':
    case 'instance.failed':
    case 'artifact.failed':
      return [`${app} ${paint('red', line.kind.split('.').join(' '))}: ${oneLine(String(detail.message ?? ''))}`];
    case 'deployment.removed':
      return [`${app} is gone`];
    case 'removal.held':
      return [
        `${app} is kept (${paint('yellow', 'held')}): ${oneLine(`to remove so much, main must say ${allowance(detail)}`)}`,
      ];
    case 'deployment.held':
      return [`${app} is ${paint('yellow', 'held')}: it waits for a change in git; "mainspring status" says for which`];
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
