import type { OpenStream } from './tunnels.ts';

/** How an event stream comes to its end. */
export interface EventStreamEnds {
  /** Ends the answer as complete. */
  readonly finish: () => void;
  /** Cuts the connection. */
  readonly cut: () => void;
}

/**
 * An answer of server-sent events, which has no end of its own. It can be ended between two events: then nothing of one is lost, and
 * the browser connects again by itself (HTML, 9.2.3).
 */
export class EventStream implements OpenStream {
  readonly hasProperEnd = true;
  readonly #ends: EventStreamEnds;
  #tail = '\n\n';
  #isEnding = false;

  constructor(ends: EventStreamEnds) {
    this.#ends = ends;
  }

  /** Content was passed on. */
  passed(content: Buffer): void {
    this.#tail = (this.#tail + content.subarray(-4).toString('latin1')).slice(-4);
    if (this.#isEnding) this.end();
  }

  /** Ends it now, or behind the event that is under way. */
  end(): void {
    this.#isEnding = true;
    // An empty line ends an event; lines end with CRLF, LF or CR (HTML, 9.2.5).
    if (/(?:\n\n|\r\r|\r\n\r\n)$/.test(this.#tail)) this.#ends.finish();
  }

  cut(): void {
    this.#ends.cut();
  }
}

/** Whether an answer is a stream of events whose bytes can be read here. */
export function isEventStream(headers: readonly string[]): boolean {
  let isEvents = false;
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at]?.toLowerCase();
    if (name === 'content-encoding') return false;
    if (name === 'content-type') isEvents = /^text\/event-stream\s*(?:;|$)/i.test(headers[at + 1] ?? '');
  }
  return isEvents;
}
