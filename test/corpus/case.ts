import type { ClauseId } from './clauses.ts';

/** What a request means: what the upstream has to be sent, however it is written. */
export interface Meaning {
  readonly method: string;
  readonly target: string;
  readonly body?: string;
  /** Fields that matter, by lower-case name: the value, or the values of several lines with ` | ` between, or null: none at all. */
  readonly fields?: Readonly<Record<string, string | null>>;
  readonly trailers?: Readonly<Record<string, string | null>>;
  /** The status that the client gets for it; 200 unless told. */
  readonly status?: number;
}

/** What comes of the bytes of a client. */
export interface RequestOutcome {
  /** What reaches the upstream whole, in this order, and nothing else. */
  readonly requests: readonly Meaning[];
  /** The statuses one of which the intermediary itself answers with, after those of the upstream. */
  readonly own?: readonly number[];
  /** Informational answers before the first one. */
  readonly interim?: readonly number[];
  /** Whether a request may begin to reach the upstream that never comes to its end. */
  readonly isCut?: true;
  /** What becomes of the client's connection: another request is served on it, it ends, or it is a tunnel now. */
  readonly connection: 'open' | 'closed' | 'tunnel';
}

/** Bytes that a client sends, and what has to come of them. */
export interface RequestCase {
  /** A sentence. */
  readonly name: string;
  readonly clauses: readonly ClauseId[];
  /** Bytes as Latin-1; several entries are several writes. */
  readonly sends: string | readonly string[];
  /** Whether the client closes its side behind them. */
  readonly ends?: true;
  /** What has to come of them here. */
  readonly is: RequestOutcome;
  /** What the RFC would allow as well. */
  readonly or?: readonly RequestOutcome[];
}

/** What comes of the bytes of an upstream. */
export interface AnswerOutcome {
  /** Informational answers before it. */
  readonly interim?: readonly number[];
  readonly status: number;
  readonly fields?: Readonly<Record<string, string | null>>;
  /** Fields of which there has to be exactly one, whatever it says. */
  readonly fieldsThere?: readonly string[];
  /** Exactly this, or for a cut answer the beginning of it. Absent for answers of the intermediary itself. */
  readonly body?: string;
  readonly trailers?: Readonly<Record<string, string | null>>;
  /** Whether the client can tell that it is incomplete. */
  readonly isCut?: true;
  /** Whether the upstream's connection must not be used again. */
  readonly endsUpstream?: true;
}

/** Bytes that an upstream answers with, and what the client has to get. */
export interface AnswerCase {
  readonly name: string;
  readonly clauses: readonly ClauseId[];
  /** What the client asks; `GET /case` unless told. */
  readonly request?: string;
  readonly sends: string | readonly string[];
  /** What the upstream does behind its bytes; it keeps the connection unless told. */
  readonly ending?: 'close' | 'reset';
  readonly is: AnswerOutcome;
  readonly or?: readonly AnswerOutcome[];
}

/** Cases about one thing. */
export interface Topic<Case> {
  readonly topic: string;
  readonly cases: readonly Case[];
}

/** Nothing reaches the upstream; the client is told one of these, and the connection ends. */
export function refused(...own: readonly number[]): RequestOutcome {
  return { requests: [], own, connection: 'closed' };
}

/** A request begins, and is never completed towards the upstream. */
export function cut(...own: readonly number[]): RequestOutcome {
  return { requests: [], own, isCut: true, connection: 'closed' };
}

/** The intermediary answers by itself, and the connection goes on. */
export function answered(...own: readonly number[]): RequestOutcome {
  return { requests: [], own, connection: 'open' };
}

/** All these reach the upstream, and the connection goes on. */
export function passed(...requests: readonly Meaning[]): RequestOutcome {
  return { requests, connection: 'open' };
}

/** The same, and the connection ends. */
export function passedLast(...requests: readonly Meaning[]): RequestOutcome {
  return { requests, connection: 'closed' };
}

/** A request without a body. */
export function get(target: string, fields: Meaning['fields'] = {}): Meaning {
  return { method: 'GET', target, fields };
}

/** A request with a body. */
export function post(target: string, body: string, more: Partial<Meaning> = {}): Meaning {
  return { method: 'POST', target, body, ...more };
}

/** The answer is not passed on. */
export const badGateway: AnswerOutcome = { status: 502, endsUpstream: true };
