import type { AuditEvent } from '../model/audit.ts';
import { type ChainHead, chainFault, formatHead, GENESIS, parseHead } from './chain.ts';

/** What checking the chain found. */
export interface AuditVerdict {
  readonly ok: boolean;
  /** Number of events that were read and are right. */
  readonly lines: number;
  /** What is wrong with the first bad event, or that all is well. */
  readonly message: string;
  readonly head: string;
}

/** Follows a chain event by event from its start, and looks for a head that was kept elsewhere (`ID:HASH`). */
export class ChainCheck {
  readonly #expected: string | null;
  readonly #wanted: ChainHead | null | undefined;
  #head: ChainHead = GENESIS;
  #met: boolean;
  #fault: string | null = null;

  constructor(expected: string | null) {
    this.#expected = expected;
    this.#wanted = expected === null ? null : parseHead(expected);
    this.#met = this.#wanted === null || this.#wanted?.id === 0;
  }

  /** Takes the next event; false once something is wrong. */
  next(event: AuditEvent): boolean {
    this.#fault = chainFault(this.#head, event);
    if (this.#fault !== null) return false;
    this.#head = { id: event.id, hash: event.hash };
    if (this.#wanted?.id === event.id && this.#wanted.hash === event.hash) this.#met = true;
    return true;
  }

  /** What was found so far. */
  verdict(): AuditVerdict {
    const found = { lines: this.#head.id, head: formatHead(this.#head) };
    const bad = (message: string) => ({ ok: false, ...found, message });
    if (this.#fault !== null) return bad(this.#fault);
    if (this.#wanted === undefined)
      return bad(`"${this.#expected}" is not a head: expected ID:HASH as "status" shows it`);
    if (this.#wanted !== null && !this.#met) return bad(missingHead(this.#wanted, this.#head));
    return { ok: true, ...found, message: `${this.#head.id} events, an unbroken chain` };
  }
}

function missingHead(wanted: ChainHead, head: ChainHead): string {
  return wanted.id > head.id
    ? `the log ends at event ${head.id}, but event ${wanted.id} was known: events ${head.id + 1} to ${wanted.id} were cut off`
    : `event ${wanted.id} is not the one that was known: the log was written again from there or before`;
}

/** Checks a log that was fetched. */
export async function verifyChain(lines: AsyncIterable<unknown>, expected: string | null): Promise<AuditVerdict> {
  const check = new ChainCheck(expected);
  for await (const line of lines) if (!check.next(line as AuditEvent)) break;
  return check.verdict();
}
