import { readBody } from './body.ts';
import { type FieldLines, Objection, readFields, readFraming } from './fields.ts';

/** An answer as a strict client understands it. */
export interface StrictResponse {
  readonly status: number;
  readonly reason: string;
  readonly fields: FieldLines;
  readonly body: string;
  readonly trailers: FieldLines;
  /** Whether it came to its end; if not, the connection was closed in it, and the client can tell. */
  readonly isWhole: boolean;
  /** Informational answers that came before it. */
  readonly interim: readonly StrictResponse[];
  readonly end: number;
}

const LINE = /^HTTP\/1\.[01] ([1-9][0-9]{2}) ([^\r\n\0]*)$/;

/**
 * Reads the answer to a request of this method at the beginning of the text; undefined while it has not ended. `isOver` says that the
 * connection is closed. Throws an `Objection` to what no server may send.
 */
export function readResponse(text: string, method: string, isOver: boolean): StrictResponse | undefined {
  const interim: StrictResponse[] = [];
  let from = 0;
  for (;;) {
    const answer = readOne(text, from, method, isOver);
    if (answer === undefined) return undefined;
    if (answer.status >= 200 || answer.status === 101) return { ...answer, interim };
    interim.push(answer);
    from = answer.end;
  }
}

function readOne(text: string, from: number, method: string, isOver: boolean): StrictResponse | undefined {
  const headEnd = text.indexOf('\r\n\r\n', from);
  if (headEnd < 0) {
    if (isOver && text.length > from) throw new Objection('an answer that ends in its head');
    return undefined;
  }
  const lineEnd = text.indexOf('\r\n', from);
  const [, code, reason = ''] = LINE.exec(text.slice(from, lineEnd)) ?? [];
  if (code === undefined) throw new Objection(`status line ${JSON.stringify(text.slice(from, lineEnd).slice(0, 80))}`);
  const fields = readFields(text.slice(lineEnd + 2, Math.max(lineEnd + 2, headEnd)));
  const status = Number(code);
  const hasNone = method === 'HEAD' || status < 200 || status === 204 || status === 304;
  const content = readContent({ text, from: headEnd + 4, fields, hasNone, isOver });
  return content === undefined ? undefined : { status, reason, fields, interim: [], ...content };
}

interface Content {
  readonly text: string;
  readonly from: number;
  readonly fields: FieldLines;
  readonly hasNone: boolean;
  readonly isOver: boolean;
}

type ReadContent = Pick<StrictResponse, 'body' | 'trailers' | 'isWhole' | 'end'>;

function readContent({ text, from, fields, hasNone, isOver }: Content): ReadContent | undefined {
  const framing = readFraming(fields);
  if (hasNone) return { body: '', trailers: [], end: from, isWhole: true };
  if (framing === 'unsaid') {
    return isOver ? { body: text.slice(from), trailers: [], end: text.length, isWhole: true } : undefined;
  }
  const { content, trailers, end } = readBody(text, from, framing);
  if (end === undefined && !isOver) return undefined;
  return { body: content, trailers, end: end ?? text.length, isWhole: end !== undefined };
}
