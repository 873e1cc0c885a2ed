import Negotiator from 'negotiator';

/** A coding that content can have on its way (RFC 9110, 8.4.1; RFC 7932, RFC 8878). */
export type Coding = 'br' | 'zstd' | 'gzip';

/** All codings, in our order: what comes earlier is sent where the client likes several equally. */
export const CODINGS: readonly Coding[] = ['br', 'zstd', 'gzip'];

const MOST_HEADERS = 256;
const LONGEST_HEADER = 200;
const PREFERENCE = [...CODINGS, 'identity'];

/** Chooses codings by `Accept-Encoding`. There are few different values of it in the world, so what one means is remembered. */
export class CodingChoice {
  readonly #known = new Map<string, Map<string, Coding | 'identity' | null>>();

  /**
   * The coding to send of those on offer (in our order, `identity` always is): the one the client likes best. Null: it takes none of
   * them, not even the plain content (RFC 9110, 12.5.3). Without a header it is the plain content.
   */
  choose(header: string | undefined, offers: readonly Coding[]): Coding | 'identity' | null {
    if (header === undefined || header === '') return 'identity';
    const answers = this.#answersFor(header);
    const key = offers.join();
    let answer = answers.get(key);
    if (answer === undefined) {
      answer = negotiate(header, offers);
      answers.set(key, answer);
    }
    return answer;
  }

  #answersFor(header: string): Map<string, Coding | 'identity' | null> {
    let answers = this.#known.get(header);
    if (answers !== undefined) return answers;
    answers = new Map();
    if (header.length > LONGEST_HEADER) return answers;
    if (this.#known.size >= MOST_HEADERS) this.#known.clear();
    this.#known.set(header, answers);
    return answers;
  }
}

/** Its types lack the second argument. */
interface Chooser {
  encodings(offers: readonly string[], options: { readonly preferred: readonly string[] }): string[];
}

function negotiate(header: string, offers: readonly Coding[]): Coding | 'identity' | null {
  const negotiator: Chooser = new Negotiator({ headers: { 'accept-encoding': header } });
  const [best] = negotiator.encodings([...offers, 'identity'], { preferred: PREFERENCE });
  return (best as Coding | 'identity' | undefined) ?? null;
}
