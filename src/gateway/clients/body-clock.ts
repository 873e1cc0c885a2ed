import type { IncomingMessage } from 'node:http';

/**
 * Watches a body that arrives. Time that we let the client wait, because whoever gets the body has no room for more, does not count.
 */
export class BodyClock {
  readonly #request: IncomingMessage;
  readonly #timer: NodeJS.Timeout;
  readonly #touch = () => void this.#timer.refresh();

  /** `onStalled` is called once, when nothing has come for this long. */
  constructor(request: IncomingMessage, timeoutMs: number, onStalled: () => void) {
    this.#request = request;
    this.#timer = setTimeout(() => {
      if (request.isPaused()) this.#timer.refresh();
      else onStalled();
    }, timeoutMs);
    request.on('data', this.#touch);
  }

  /** The body is complete, or nobody wants it any more. Safe to call twice. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#request.off('data', this.#touch);
  }
}
