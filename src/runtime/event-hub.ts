import type { EngineEvent } from './engine.ts';

/** A reader that is this far behind gets a `gap` in place of what it missed. */
const MAX_QUEUED = 10_000;

interface Reader {
  queue: EngineEvent[];
  wake: (() => void) | null;
}

/** Hands every event to everybody who reads at the time. A reader counts from the call of `subscribe`, not from its first read. */
export class EventHub {
  readonly #readers = new Set<Reader>();

  publish(event: EngineEvent): void {
    for (const reader of this.#readers) {
      if (reader.queue.length >= MAX_QUEUED) reader.queue = [{ kind: 'gap' }];
      else reader.queue.push(event);
      reader.wake?.();
    }
  }

  /** What happens from now on, until the signal aborts. */
  subscribe(signal: AbortSignal): AsyncIterable<EngineEvent> {
    const reader: Reader = { queue: [], wake: null };
    if (!signal.aborted) this.#readers.add(reader);
    const end = () => {
      this.#readers.delete(reader);
      reader.wake?.();
    };
    signal.addEventListener('abort', end, { once: true });
    return { [Symbol.asyncIterator]: () => this.#read(reader, end, signal) };
  }

  async *#read(reader: Reader, end: () => void, signal: AbortSignal): AsyncGenerator<EngineEvent, void, undefined> {
    try {
      while (!signal.aborted) {
        const event = reader.queue.shift();
        if (event !== undefined) yield event;
        else await new Promise<void>((resolve) => Object.assign(reader, { wake: resolve }));
      }
    } finally {
      signal.removeEventListener('abort', end);
      end();
    }
  }
}
