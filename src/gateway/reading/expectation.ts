import type { ClientResponse } from '../clients/client-response.ts';

// Many servers ignore `Expect`, and some proxies between swallow the answer to it.
const PATIENCE_MS = 300;

/**
 * A client that waits for `100 (Continue)` before it sends its content (RFC 9110, 10.1.1). The upstream is asked; one that says
 * nothing for a moment gets the content all the same. A final answer that comes first leaves it unmet: nothing is sent then.
 */
export class Expectation {
  readonly #response: ClientResponse;
  readonly #onMet: () => void;
  #timer: NodeJS.Timeout | undefined;
  #isMet = false;

  /** `onMet` is called once, when the content is to be sent. */
  constructor(response: ClientResponse, onMet: () => void) {
    this.#response = response;
    this.#onMet = onMet;
  }

  get isMet(): boolean {
    return this.#isMet;
  }

  /** The upstream was asked. */
  start(): void {
    this.#timer = setTimeout(() => {
      this.#response.sendInterim(100, '', '');
      this.meet();
    }, PATIENCE_MS);
  }

  /** The client has been told to go on. */
  meet(): void {
    if (this.#isMet) return;
    this.#isMet = true;
    clearTimeout(this.#timer);
    this.#onMet();
  }

  /** Nothing is sent any more. */
  cancel(): void {
    clearTimeout(this.#timer);
  }
}
