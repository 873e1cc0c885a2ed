import { ANSWERS, type Answer } from '../answer.ts';

/** What Node's parser says of bytes that it could not read as a request. */
export interface ParseFault {
  readonly code?: string | undefined;
  /** The bytes of the read in which it happened, and how many of them were fine. */
  readonly rawPacket?: Buffer | undefined;
  readonly bytesParsed?: number | undefined;
}

const OTHER_VERSION = / HTTP\/(?!1\.[01](?:\D|$))\d+(?:\.\d+)?\r?$/;
const METHOD_LINE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64} \S+ HTTP\/1\.[01]\r?$/;

/** What the sender of unreadable bytes is told: as a reader with the same view of them would, where that is possible. */
export function unreadableAnswer(fault: ParseFault): Answer {
  switch (fault.code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return ANSWERS.timeout;
    case 'HPE_PAUSED_H2_UPGRADE':
      return ANSWERS.badVersion;
    case 'HPE_INVALID_VERSION':
      return OTHER_VERSION.test(lineOf(fault)) ? ANSWERS.badVersion : ANSWERS.badRequest;
    case 'HPE_INVALID_METHOD':
      return METHOD_LINE.test(lineOf(fault)) ? ANSWERS.unknownMethod : ANSWERS.badRequest;
    case 'HPE_HEADER_OVERFLOW':
      return isFirstLine(lineOf(fault)) ? ANSWERS.targetTooLong : ANSWERS.headTooLarge;
    default:
      return ANSWERS.badRequest;
  }
}

/** The line in which the parser gave up, as far as it is in the same read. */
function lineOf({ rawPacket, bytesParsed = 0 }: ParseFault): string {
  if (rawPacket === undefined) return '';
  const start = bytesParsed === 0 ? 0 : rawPacket.lastIndexOf(10, bytesParsed - 1) + 1;
  const end = rawPacket.indexOf(10, bytesParsed);
  return rawPacket.toString('latin1', start, end < 0 ? rawPacket.length : end);
}

/** A head that is too large before its first line ends has too long a target. */
function isFirstLine(line: string): boolean {
  return /^[A-Z-]{1,64} (?:\/|https?:)/.test(line);
}
