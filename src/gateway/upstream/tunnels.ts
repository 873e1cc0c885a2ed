/** A stream that hardly ever ends by itself: a tunnel, or an answer of server-sent events. */
export interface OpenStream {
  /** Whether its client can be told that this is the end. */
  readonly hasProperEnd: boolean;
  /** Ends it properly if that can be, else cuts it. Safe to call twice. */
  end(): void;
  cut(): void;
}

/** Who says something on a stream. */
export type StreamSide = 'client' | 'app';

/** Who wants to know of a request that becomes a stream, and of what is said on it. */
export interface StreamWatch {
  readonly opened: () => void;
  readonly used: (by: StreamSide) => void;
}

/** The streams that are open, by the instance that they come from, so that they can be ended properly. */
export class Tunnels {
  readonly #open = new Map<string, Set<OpenStream>>();

  /** How many there are. */
  get size(): number {
    let count = 0;
    for (const streams of this.#open.values()) count += streams.size;
    return count;
  }

  /** One was opened; what this gives is called when it is over. */
  add(instance: string, stream: OpenStream): () => void {
    const streams = this.#open.get(instance) ?? new Set();
    this.#open.set(instance, streams.add(stream));
    return () => {
      streams.delete(stream);
      if (streams.size === 0 && this.#open.get(instance) === streams) this.#open.delete(instance);
    };
  }

  /** Ends those of one instance: WebSockets with a close frame (1001), within two seconds, events behind the one under way. */
  endInstance(instance: string): void {
    for (const stream of [...(this.#open.get(instance) ?? [])]) stream.end();
  }

  /** Ends all whose clients can be told. */
  endProperly(): void {
    for (const stream of this.#all()) if (stream.hasProperEnd) stream.end();
  }

  /** Ends all of them. */
  endAll(): void {
    for (const stream of this.#all()) stream.end();
  }

  /** Cuts what is left. */
  cutAll(): void {
    for (const stream of this.#all()) stream.cut();
  }

  #all(): OpenStream[] {
    return [...this.#open.values()].flatMap((streams) => [...streams]);
  }
}
