import type { CookieRule } from './cookie-rule.ts';
import { boundedCache, namedByConnection } from './forward-headers.ts';

/** How the headers of an answer change on their way to the client. */
export interface ResponseRewrite {
  /** Maps `Location` and `Content-Location`. */
  location(value: string): string;
  /** Maps the address in `Refresh`. */
  refresh(value: string): string;
  readonly cookie: CookieRule;
  readonly noindex: boolean;
}

/** Which of `Content-Length` and `Trailer` stays: framing decides. `interim`: neither, in an answer before the final one. */
type Keep = 'length' | 'trailer' | 'neither' | 'interim';

/**
 * The header lines that the client gets, without framing and `Connection`. A final answer without a date gets one (RFC 9110, 6.6.1).
 */
export function answerLines(raw: readonly string[], rewrite: ResponseRewrite, keep: Keep): string {
  const named = namedByConnection(raw);
  let lines = '';
  let hasDate = keep === 'interim';
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] ?? '';
    const kind = answerKinds(name);
    // The length is part of the framing whatever Connection names: without it the client would read on into the next answer.
    if (kind === 'hop' || (kind !== 'length' && named?.has(name.toLowerCase()) === true)) continue;
    const value = raw[at + 1] ?? '';
    if (kind === 'plain') lines += `${name}: ${value}\r\n`;
    else if (kind === 'location') lines += `${name}: ${rewrite.location(value)}\r\n`;
    else if (kind === 'refresh') lines += `${name}: ${rewrite.refresh(value)}\r\n`;
    else if (kind === 'cookie') lines += `${name}: ${rewrite.cookie(value)}\r\n`;
    else if (kind === 'date') {
      lines += `${name}: ${value}\r\n`;
      hasDate = true;
    } else if (kind === keep) lines += `${name}: ${value}\r\n`;
  }
  if (!hasDate) lines += `Date: ${new Date().toUTCString()}\r\n`;
  return rewrite.noindex ? `${lines}X-Robots-Tag: noindex\r\n` : lines;
}

type AnswerField = 'hop' | 'date' | 'location' | 'refresh' | 'cookie' | 'length' | 'trailer' | 'plain';
const ANSWER_FIELDS: Readonly<Record<string, AnswerField>> = {
  connection: 'hop',
  'keep-alive': 'hop',
  'proxy-connection': 'hop',
  'proxy-authenticate': 'hop',
  te: 'hop',
  'transfer-encoding': 'hop',
  upgrade: 'hop',
  // The answer has ours, which is the one that the app was told.
  'x-request-id': 'hop',
  date: 'date',
  'content-length': 'length',
  trailer: 'trailer',
  'set-cookie': 'cookie',
  location: 'location',
  refresh: 'refresh',
  'content-location': 'location',
};
const answerKinds = boundedCache((name): AnswerField => {
  const lower = name.toLowerCase();
  return Object.hasOwn(ANSWER_FIELDS, lower) ? (ANSWER_FIELDS[lower] ?? 'plain') : 'plain';
});
