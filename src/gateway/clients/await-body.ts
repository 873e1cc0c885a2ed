import type { RequestLimits } from '../../model/routing.ts';
import type { Call } from '../call.ts';
import { requestBody } from '../reading/request-body.ts';
import { isTooLong } from '../waiting/admit-request.ts';
import { BodyClock } from './body-clock.ts';

// As much as fills the pipe between us and an app: what comes after that comes while the app reads.
const ENOUGH_BYTES = 16_384;

/** What becomes of a request whose body is awaited: one of the calls, unless the client leaves before. */
export interface BodyWait {
  readonly timeoutMs: number;
  readonly onReady: (call: Call) => void;
  readonly onStalled: () => void;
}

/**
 * Whether a request has to show some of its body before an app is bothered with it. Somebody who sends a byte a second would take a
 * connection to the app, and a place of those that it may have, for hours. Where the length is not known (chunked) or the client
 * wants to be asked first, the app may have to speak before anything comes.
 */
export function isBodyAwaited({ request, upgrade, hasBody }: Call, limits: RequestLimits | undefined): boolean {
  if (hasBody === true || upgrade !== undefined || request.headers.expect !== undefined) return false;
  return requestBody(request).kind === 'length' && !isTooLong(request, limits);
}

/** Waits for the body, or enough of it. All of it can still be read after that. */
export function awaitBody(call: Call, { timeoutMs, onReady, onStalled }: BodyWait): void {
  const { request, response } = call;
  const chunks: Buffer[] = [];
  let left = Math.min(ENOUGH_BYTES, Number(request.headers['content-length']));
  const stop = () => {
    clock.stop();
    request.off('data', take);
    response.off('close', stop);
  };
  const take = (bytes: Buffer) => {
    chunks.push(bytes);
    left -= bytes.length;
    if (left > 0) return;
    stop();
    request.pause();
    request.unshift(chunks.length === 1 ? bytes : Buffer.concat(chunks));
    onReady({ ...call, hasBody: true });
  };
  const clock = new BodyClock(request, timeoutMs, () => {
    stop();
    onStalled();
  });
  response.once('close', stop);
  request.on('data', take);
}
