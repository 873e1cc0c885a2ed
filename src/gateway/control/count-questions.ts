import type { ControllerMessage, GatewayMessage } from '../../model/control.ts';

/** A gateway that can be asked. */
export interface Asked {
  readonly id: string;
  readonly ask: (message: ControllerMessage) => void;
}

interface Round {
  readonly waiting: Set<string>;
  readonly done: () => void;
}

/** Asks gateways for their counts, all at once, and waits for as long as it may. */
export class CountQuestions {
  readonly #rounds = new Map<number, Round>();
  /** Gateways that have told everything on their connection; from then on it is enough what has changed. */
  readonly #told = new Set<string>();
  #question = 0;

  /** Resolves when all of them have answered, are gone, or time is over. */
  async ask(gateways: readonly Asked[], limitMs: number): Promise<void> {
    if (gateways.length === 0) return;
    this.#question += 1;
    const question = this.#question;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#rounds.set(question, { waiting: new Set(gateways.map(({ id }) => id)), done: resolve });
    for (const { id, ask } of gateways) ask({ type: 'count', question, all: !this.#told.has(id) });
    const timer = setTimeout(resolve, limitMs);
    await promise;
    clearTimeout(timer);
    this.#rounds.delete(question);
  }

  /** A part of an answer came from a gateway. */
  take(id: string, { question, process }: GatewayMessage & { readonly type: 'counts' }): void {
    if (process === undefined || question === 0) return;
    this.#told.add(id);
    this.#leave(id, question);
  }

  /** Its connection has broken: it answers nothing any more, and has to tell everything anew when it is back. */
  lost(id: string): void {
    this.#told.delete(id);
    for (const question of [...this.#rounds.keys()]) this.#leave(id, question);
  }

  #leave(id: string, question: number): void {
    const round = this.#rounds.get(question);
    round?.waiting.delete(id);
    if (round?.waiting.size === 0) round.done();
  }
}
