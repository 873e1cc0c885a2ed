import type { IncomingMessage } from 'node:http';

/** Whether a request to switch protocols is passed on as one. HTTP/2 in the clear is not: such a client goes on in HTTP/1.1. */
export function isUpgrade(request: IncomingMessage): boolean {
  const { method, httpVersion, headers } = request;
  // In HTTP/1.0 the field is to be ignored (RFC 9110, 7.8).
  if (method !== 'GET' || httpVersion !== '1.1' || hasBody(request)) return false;
  return headers.upgrade !== undefined && headers.upgrade !== '' && !/(?:^|,)\s*h2c/i.test(headers.upgrade);
}

/** Whether a request has a body, as far as its head says. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

/** Whether OPTIONS asks about the server as a whole, or may go no further (RFC 9110, 7.6.2 and 9.3.7). */
export function isForUs({ url, headers }: IncomingMessage): boolean {
  return url === '*' || /^0+$/.test(String(headers['max-forwards'] ?? ''));
}
