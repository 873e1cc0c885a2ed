import type { IncomingMessage, ServerResponse } from 'node:http';
import Negotiator from 'negotiator';
import { AnswerPages } from './answer-page.ts';
import { ClientResponse } from './clients/client-response.ts';

const pages = new AnswerPages();

/** An answer that the gateway gives by itself. */
export interface Answer {
  readonly status: number;
  readonly title: string;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Addresses that may have been meant. */
  readonly near?: readonly string[];
  /** What is known of the reason, for who may know it. */
  readonly why?: string;
}

/** The answers for what has gone wrong. None of them tells anything about upstreams. */
export const ANSWERS = {
  badRequest: { status: 400, title: 'Bad request', text: 'The request is malformed.' },
  unknownHost: { status: 404, title: 'Not found', text: 'No app lives on this host.' },
  unknownApp: { status: 404, title: 'Not found', text: 'No app lives at this address.' },
  noFile: { status: 404, title: 'Not found', text: 'There is nothing at this address.' },
  noHook: { status: 404, title: 'Not found', text: 'There is no hook of this name.' },
  badSignature: { status: 401, title: 'Unauthorized', text: 'The signature or token is not the one of this hook.' },
  methodNotAllowed: { status: 405, title: 'Method not allowed', text: 'This method is not allowed here.' },
  notAcceptable: { status: 406, title: 'Not acceptable', text: 'There is no form of this that the client takes.' },
  timeout: { status: 408, title: 'Request timeout', text: 'The request took too long to arrive.' },
  preconditionFailed: {
    status: 412,
    title: 'Precondition failed',
    text: 'This is not the version that was asked for.',
  },
  tooLarge: { status: 413, title: 'Content too large', text: 'The request is larger than allowed.' },
  badExpectation: { status: 417, title: 'Expectation failed', text: 'Only "100-continue" can be expected here.' },
  misdirected: {
    status: 421,
    title: 'Misdirected request',
    text: 'An https address was asked for over a connection that is not secured.',
  },
  targetTooLong: { status: 414, title: 'URI too long', text: 'The address is longer than allowed.' },
  headTooLarge: {
    status: 431,
    title: 'Request header fields too large',
    text: 'The request head is larger than allowed.',
  },
  failed: { status: 500, title: 'Internal error', text: 'The gateway failed to answer this request.' },
  unknownMethod: { status: 501, title: 'Not implemented', text: 'The request has an unknown method.' },
  badVersion: {
    status: 505,
    title: 'HTTP version not supported',
    text: 'The request has another version than HTTP/1.1 or HTTP/1.0.',
  },
  loop: { status: 508, title: 'Loop detected', text: 'The request goes round between gateways.' },
  badGateway: { status: 502, title: 'Bad gateway', text: 'The app gave no proper answer.' },
  starting: {
    status: 503,
    title: 'Starting',
    text: 'Mainspring is starting. Try again in a moment.',
    headers: { 'Retry-After': '1' },
  },
  held: {
    status: 503,
    title: 'Unavailable',
    text: 'This app is being replaced by its next version. Try again in a moment.',
    headers: { 'Retry-After': '1' },
  },
  overloaded: {
    status: 503,
    title: 'Busy',
    text: 'This app has as much to do as it may. Try again in a moment.',
    headers: { 'Retry-After': '2' },
  },
  asleep: {
    status: 503,
    title: 'Asleep',
    text: 'This app is asleep. It wakes when somebody wants to use it.',
    headers: { 'Retry-After': '10' },
  },
  waking: {
    status: 503,
    title: 'Starting',
    text: 'This app was asleep and is starting. The page shows it as soon as it answers.',
    // Understood by all browsers, and by nothing else.
    headers: { 'Retry-After': '1', Refresh: '1' },
  },
  parked: {
    status: 503,
    title: 'Parked',
    text: 'This preview is parked: nothing of it runs. It comes back when somebody wants to use it.',
    headers: { 'Retry-After': '10' },
  },
  coming: {
    status: 503,
    title: 'On its way',
    text: 'This app is being made ready for the first time. The page shows it as soon as it answers.',
    headers: { 'Retry-After': '2', Refresh: '2' },
  },
  down: {
    status: 503,
    title: 'Not running',
    text: 'This app ended by itself and is being started again. The page shows it as soon as it answers.',
    headers: { 'Retry-After': '2', Refresh: '2' },
  },
  notRunning: {
    status: 503,
    title: 'Not running',
    text: 'This app does not run: it waits for a change of what it is made from.',
  },
  unavailable: {
    status: 503,
    title: 'Unavailable',
    text: 'This is not available right now. Try again in a moment.',
    headers: { 'Retry-After': '2' },
  },
  gatewayTimeout: { status: 504, title: 'Gateway timeout', text: 'The app did not answer in time.' },
} as const satisfies Record<string, Answer>;

/** Sends an answer as a short page, or as JSON to whom prefers it. On a response that has begun it cuts the connection. */
export function sendAnswer(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (response instanceof ClientResponse) response.record.answer = answer.title;
  const isPage = prefersPage(request.headers.accept);
  const id = response instanceof ClientResponse ? response.requestId : '';
  const body = isPage
    ? pages.render({ ...answer, near: answer.near ?? [], why: answer.why ?? '', request: id })
    : `${JSON.stringify(asJson(answer, id))}\n`;
  response.writeHead(answer.status, {
    'Content-Type': isPage ? 'text/html; charset=utf-8' : 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    ...answer.headers,
  });
  response.end(body);
}

function asJson({ status, title, text, near, why }: Answer, request: string): object {
  const more = { ...(near === undefined ? {} : { near }), ...(why === undefined ? {} : { why }) };
  return { status, error: title, message: text, request, ...more };
}

/** Search engines are not to keep what this response says. Before its head is sent. */
export function markNoindex(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('X-Robots-Tag', 'noindex');
}

/** The same for a connection on which no request could be read: the connection ends with it. */
export function rawAnswer({ status, title, text }: Answer): string {
  return `HTTP/1.1 ${status} ${title}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${text.length + 1}\r\nConnection: close\r\n\r\n${text}\n`;
}

/** A page for who would rather have one than JSON (RFC 9110, 12.5.1); programs mostly say nothing, or that they take anything. */
function prefersPage(accept: string | undefined): boolean {
  if (accept === undefined || !accept.includes('text/')) return false;
  return new Negotiator({ headers: { accept } }).mediaType(['application/json', 'text/html']) === 'text/html';
}
