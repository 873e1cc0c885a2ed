import type { RandomHex } from './random-hex.ts';

// What log lines, URLs and headers of other systems carry without quoting.
const PLAIN = /^[\w.:+/=@-]{1,128}$/;
const ID_BYTES = 10;

/** The name of a request: as a trusted proxy has named it, else a random one. Several names, or one that is odd or too long, are none. */
export function requestId(given: string | readonly string[] | undefined, random: RandomHex): string {
  return typeof given === 'string' && PLAIN.test(given) ? given : random.take(ID_BYTES);
}
