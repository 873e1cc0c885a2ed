import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ANSWERS, type Answer, sendAnswer } from '../answer.ts';
import type { ClientResponse } from '../clients/client-response.ts';
import { type ByteRange, parseRanges } from './byte-range.ts';
import { matchesStrongly, matchesWeakly } from './entity-tag.ts';
import { multipartBody } from './multipart.ts';
import type { OpenFiles } from './open-files.ts';
import { type Part, sendParts } from './send-parts.ts';
import { type Chosen, isNegotiated, type StaticCodings } from './static-codings.ts';
import type { Representation, StaticFile } from './static-files.ts';

/** A request and its answer. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ClientResponse;
  readonly file: StaticFile;
}

/** What is sent of a representation. */
interface Selection {
  readonly status: number;
  readonly head: string[];
  readonly parts: readonly Part[];
}

/** An answer with all of a representation; it is the same each time. */
interface Whole {
  readonly head: string[];
  /** The same as lines, for what goes straight to the connection. */
  readonly lines: string;
}

/** Sends files: the coding that the client likes best, all of it, parts of it, or nothing where it has it already. */
export class StaticSender {
  readonly #codings: StaticCodings;
  readonly #open: OpenFiles;
  readonly #whole = new WeakMap<Representation, Whole>();

  constructor(codings: StaticCodings, open: OpenFiles) {
    this.#codings = codings;
    this.#open = open;
  }

  /** Answers a GET or HEAD. Undefined: it is done; else it is when the promise resolves. */
  send(request: IncomingMessage, response: ClientResponse, file: StaticFile): Promise<void> | undefined {
    const exchange = { request, response, file };
    if (this.#isAnsweredByTag(exchange)) return undefined;
    const chosen = this.#codings.choose(file, wishOf(request));
    return chosen instanceof Promise ? this.#sendLater(exchange, chosen) : this.#sendChosen(exchange, chosen);
  }

  async #sendLater(exchange: Exchange, choosing: Exclude<Chosen, string | Representation>): Promise<void> {
    const chosen = await choosing;
    if (!exchange.response.destroyed) await this.#sendChosen(exchange, chosen);
  }

  #sendChosen(exchange: Exchange, chosen: Representation | 'none' | 'busy'): Promise<void> | undefined {
    const { request, response } = exchange;
    if (chosen === 'none') return void sendAnswer(request, response, NOT_ACCEPTABLE);
    if (chosen === 'busy') return void sendAnswer(request, response, ANSWERS.unavailable);
    const ranges = rangesFor(request, chosen);
    return ranges === undefined ? this.#sendWhole(exchange, chosen) : this.#sendRanges(exchange, chosen, ranges);
  }

  /** If-Match and If-None-Match, by the tags of all codings that the client takes (RFC 9110, 13.2.2). */
  #isAnsweredByTag({ request, response, file }: Exchange): boolean {
    const { 'if-match': match, 'if-none-match': noneMatch } = request.headers;
    if (match === undefined && noneMatch === undefined) return false;
    const tags = this.#codings.tags(file, wishOf(request));
    if (match !== undefined && !tags.some((tag) => matchesStrongly(match, tag))) {
      sendAnswer(request, response, ANSWERS.preconditionFailed);
      return true;
    }
    const tag = noneMatch === undefined ? undefined : tags.find((known) => matchesWeakly(noneMatch, known));
    if (tag === undefined) return false;
    response.writeHead(304, ['ETag', tag, ...cacheHeaders(file)]);
    response.end();
    return true;
  }

  #sendWhole(exchange: Exchange, chosen: Representation): Promise<void> | undefined {
    const { request, response, file } = exchange;
    const { head, lines } = this.#wholeOf(file, chosen);
    if (request.method !== 'HEAD' && chosen.content === null) {
      return this.#sendFromDisk(exchange, chosen, { status: 200, head, parts: [{ start: 0, end: chosen.size - 1 }] });
    }
    if (request.method !== 'HEAD' && chosen.content !== null && !response.hasHeader('X-Robots-Tag')) {
      const dated = `${lines}Date: ${new Date().toUTCString()}\r\n`;
      response.sendHead({ status: 200, reason: 'OK', lines: dated, framing: 'length' }, chosen.content);
      return void response.sendEnd();
    }
    response.writeHead(200, head);
    return void response.end(request.method === 'HEAD' ? undefined : chosen.content);
  }

  #wholeOf(file: StaticFile, chosen: Representation): Whole {
    let whole = this.#whole.get(chosen);
    if (whole === undefined) {
      const head = [...headersOf(file, chosen), 'Content-Type', file.type, 'Content-Length', `${chosen.size}`];
      whole = { head, lines: linesOf(head) };
      this.#whole.set(chosen, whole);
    }
    return whole;
  }

  #sendRanges(
    exchange: Exchange,
    chosen: Representation,
    ranges: readonly ByteRange[] | 'unsatisfiable',
  ): Promise<void> | undefined {
    const { response, file } = exchange;
    if (ranges === 'unsatisfiable') {
      const head = [...headersOf(file, chosen), 'Content-Range', `bytes */${chosen.size}`, 'Content-Length', '0'];
      return void response.writeHead(416, head).end();
    }
    const selection = selectionOf(file, chosen, ranges);
    const { content } = chosen;
    if (content === null) return this.#sendFromDisk(exchange, chosen, selection);
    response.writeHead(206, selection.head);
    const pieces = selection.parts.map((part) => (isBytes(part) ? part : content.subarray(part.start, part.end + 1)));
    return void response.end(Buffer.concat(pieces));
  }

  async #sendFromDisk(exchange: Exchange, { path, size }: Representation, selection: Selection): Promise<void> {
    const { request, response } = exchange;
    const opened = await this.#open.open(path);
    if (typeof opened === 'object' && opened.size === size && !response.destroyed) {
      response.writeHead(selection.status, selection.head);
      return sendParts(response, opened, selection.parts);
    }
    if (typeof opened === 'object') opened.close();
    // A tree goes when no route leads to it any more: this request came just before.
    if (!response.destroyed) sendAnswer(request, response, ANSWERS.unavailable);
  }
}

const NOT_ACCEPTABLE: Answer = { ...ANSWERS.notAcceptable, headers: { Vary: 'Accept-Encoding' } };

function wishOf({ headers }: IncomingMessage) {
  return {
    acceptEncoding: headers['accept-encoding'] as string | undefined,
    range: headers.range,
    ifRange: headers['if-range'] as string | undefined,
  };
}

/** Ranges are for GET, and only for the representation that If-Range means (RFC 9110, 13.1.5). */
function rangesFor(
  request: IncomingMessage,
  { tag, size }: Representation,
): readonly ByteRange[] | 'unsatisfiable' | undefined {
  const { range, 'if-range': ifRange } = request.headers;
  if (range === undefined || request.method !== 'GET' || (ifRange !== undefined && ifRange !== tag)) return undefined;
  return parseRanges(range, size);
}

function selectionOf(file: StaticFile, chosen: Representation, ranges: readonly ByteRange[]): Selection {
  const { size } = chosen;
  const headers = headersOf(file, chosen);
  const [only] = ranges;
  if (only !== undefined && ranges.length === 1) {
    const contentRange = `bytes ${only.start}-${only.end}/${size}`;
    const length = `${only.end - only.start + 1}`;
    const head = [...headers, 'Content-Type', file.type, 'Content-Range', contentRange, 'Content-Length', length];
    return { status: 206, head, parts: ranges };
  }
  const { contentType, length, parts } = multipartBody(ranges, { type: file.type, size, boundary: randomUUID() });
  return { status: 206, head: [...headers, 'Content-Type', contentType, 'Content-Length', `${length}`], parts };
}

function linesOf(head: readonly string[]): string {
  return head.reduce((text, part, at) => text + part + (at % 2 === 0 ? ': ' : '\r\n'), '');
}

function isBytes(part: Part): part is Buffer {
  return Buffer.isBuffer(part);
}

function cacheHeaders(file: StaticFile): string[] {
  return ['Cache-Control', 'no-cache', ...(isNegotiated(file) ? ['Vary', 'Accept-Encoding'] : [])];
}

function headersOf(file: StaticFile, { tag, coding }: Representation): string[] {
  return [
    'ETag',
    tag,
    ...cacheHeaders(file),
    'Accept-Ranges',
    'bytes',
    ...(coding === 'identity' ? [] : ['Content-Encoding', coding]),
    'X-Content-Type-Options',
    'nosniff',
  ];
}
