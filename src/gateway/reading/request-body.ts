import type { IncomingMessage } from 'node:http';

/** How the body of a request is framed; `none` too if its length is 0, which `length` then still says. */
export type RequestBody =
  | { readonly kind: 'none'; readonly length?: string }
  | { readonly kind: 'length'; readonly length: string }
  | { readonly kind: 'chunked' };

const NONE: RequestBody = { kind: 'none' };
const CHUNKED: RequestBody = { kind: 'chunked' };

/** The framing of a request that has passed the checks of `framingFault`. */
export function requestBody({ headers }: Pick<IncomingMessage, 'headers'>): RequestBody {
  if (headers['transfer-encoding'] !== undefined) return CHUNKED;
  const length = headers['content-length'];
  if (length === undefined) return NONE;
  return { kind: /^0+$/.test(length) ? 'none' : 'length', length };
}
