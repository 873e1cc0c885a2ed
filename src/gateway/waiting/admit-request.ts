import type { IncomingMessage } from 'node:http';
import type { RequestLimits } from '../../model/routing.ts';
import { ANSWERS } from '../answer.ts';
import { answerCall, type Call } from '../call.ts';
import { lingerAtEnd } from '../clients/linger.ts';
import { readAhead } from '../clients/read-ahead.ts';
import type { LiveRoute } from '../routing/route-table.ts';
import { type AppQueue, type Share, shareKey } from './app-queue.ts';

/** What decides whether a request reaches its app now. */
export interface Admission {
  readonly queue: AppQueue;
  readonly isDraining: () => boolean;
  /** Finds the route of a request that has waited, from the start. */
  readonly lookAgain: (call: Call) => void;
}

/**
 * Holds a request to the limits of its app: answers 413, lets it wait for its turn (and then look for its route again, which may
 * have another one by then), or 503 when too many wait. `onAdmitted` follows only if it is its turn at once.
 */
export function admitRequest(admission: Admission, call: Call, route: LiveRoute, onAdmitted: () => void): void {
  const { limits } = route.serve;
  if (limits === undefined) onAdmitted();
  else if (isTooLong(call.request, limits)) refuseBody(call, route);
  else if (limits.requests === undefined || call.share?.key === shareKey(route.row)) onAdmitted();
  else waitForShare(admission, { call, route, limits: { ...limits, requests: limits.requests } }, onAdmitted);
}

/** Whether a body is longer than its app takes, as far as its head says. */
export function isTooLong({ headers }: IncomingMessage, limits: RequestLimits | undefined): boolean {
  return limits?.bodyBytes !== undefined && Number(headers['content-length'] ?? 0) > limits.bodyBytes;
}

function refuseBody(call: Call, { serve }: LiveRoute): void {
  lingerAtEnd(call.request.socket);
  call.response.shouldKeepAlive = false;
  answerCall({ ...call, noindex: call.noindex || serve.noindex }, ANSWERS.tooLarge);
}

interface Waiter {
  readonly call: Call;
  readonly route: LiveRoute;
  readonly limits: RequestLimits & { readonly requests: number };
}

/** Nothing of its body is read meanwhile. A client that leaves is forgotten at once, as is what it was counted for. */
function waitForShare(admission: Admission, { call, route, limits }: Waiter, onAdmitted: () => void): void {
  const { queue, isDraining, lookAgain } = admission;
  const { response } = call;
  // What it was counted for before it had to look again.
  call.share?.release();
  let stopReading: (() => Call['upgrade']) | undefined;
  let isWaiting = false;
  let leave = () => {};
  const forget = () => leave();
  const go = (share?: Share): Call => {
    response.off('close', forget);
    if (share !== undefined) response.once('close', share.release);
    return { ...call, upgrade: stopReading?.() ?? call.upgrade, ...(share === undefined ? {} : { share }) };
  };
  const refuse = () => {
    if (isDraining()) response.shouldKeepAlive = false;
    answerCall({ ...go(), noindex: call.noindex || route.serve.noindex }, ANSWERS.overloaded);
  };
  const take = (share: Share) => {
    const again = go(share);
    if (isWaiting) lookAgain(again);
    else onAdmitted();
  };
  response.once('close', forget);
  leave = queue.enter({ row: route.row, limits, onShare: take, onRefused: refuse });
  isWaiting = true;
  if (call.upgrade !== undefined && !response.writableEnded) stopReading = readAhead(call.upgrade);
}
