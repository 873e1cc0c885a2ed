import type { AuditEntry, AuditEvent } from '../model/audit.ts';
import { hashOf } from '../model/canonical.ts';

/** The end of the chain: the number and hash of the newest event. */
export interface ChainHead {
  readonly id: number;
  readonly hash: string;
}

/** Before the first event. */
export const GENESIS: ChainHead = { id: 0, hash: '0'.repeat(64) };

/** The event that follows `head`: its hash covers every other field, the hash of the one before among them. */
export function chainEvent(head: ChainHead, entry: AuditEntry, at: string): AuditEvent {
  const body = {
    id: head.id + 1,
    at,
    kind: entry.kind,
    env: entry.env,
    app: entry.app,
    cause: entry.cause,
    detail: entry.detail,
    prev: head.hash,
  };
  return { ...body, hash: hashOf(body) };
}

/** What is wrong with an event that should follow `head`; null if nothing. */
export function chainFault(head: ChainHead, event: AuditEvent): string | null {
  const { hash, ...body } = event;
  if (event.id !== head.id + 1) {
    return event.id <= head.id
      ? `event ${event.id} stands twice or out of order`
      : `events ${head.id + 1} to ${event.id - 1} are missing`;
  }
  if (event.prev !== head.hash)
    return `event ${event.id} does not follow event ${head.id}: one of them was changed, inserted or moved`;
  if (contentHash(body) !== hash) return `event ${event.id} was changed: its hash is not that of its content`;
  return null;
}

/** The hash that this content has; null for content that has no canonical JSON, which nobody ever wrote. */
function contentHash(body: Omit<AuditEvent, 'hash'>): string | null {
  try {
    return hashOf(body);
  } catch {
    return null;
  }
}

/** A head as people note it: `ID:HASH`. */
export function formatHead(head: ChainHead): string {
  return `${head.id}:${head.hash}`;
}

/** The inverse of `formatHead`; undefined if the text is none. */
export function parseHead(text: string): ChainHead | undefined {
  const match = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text.trim());
  return match ? { id: Number(match[1]), hash: match[2] ?? '' } : undefined;
}
