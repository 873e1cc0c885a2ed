import type { Json } from '../model/json.ts';
import type { AuditLine } from '../model/surface.ts';
import { oneLine, type Paint, shortId, timeText } from './terminal.ts';

/** One event of the log as a person reads it. */
export function renderAuditLine(line: AuditLine, paint: Paint): string {
  const where = [line.env, line.app].filter((part) => part !== null).join(' ');
  const parts = [
    paint('dim', `${timeText(line.at)} ${line.id}`),
    paint('bold', oneLine(line.kind)),
    oneLine(where),
    paint('cyan', oneLine(causeText(line.cause))),
    oneLine(detailText(line.detail)),
  ];
  return `${parts.filter((part) => part !== '').join('  ')}\n`;
}

/** What made it happen, in a few words: the commit first. */
export function causeText(cause: AuditLine['cause']): string {
  if (cause.kind === 'bootstrap') return 'bootstrap';
  if (cause.kind === 'observation') return `seen: ${cause.what}`;
  const author = cause.author === null ? '' : ` by ${cause.author}`;
  const pull = cause.pull === null ? '' : ` #${cause.pull}`;
  return `${shortId(cause.commit)}${author} on ${cause.ref}${pull} of ${cause.repo}`;
}

function detailText(detail: AuditLine['detail']): string {
  return Object.entries(detail)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}=${valueText(value)}`)
    .join(' ');
}

function valueText(value: Json): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  if (/^[0-9a-f]{40,64}$/.test(value)) return shortId(value);
  return /^[\w./:@-]+$/.test(value) ? value : JSON.stringify(value);
}
