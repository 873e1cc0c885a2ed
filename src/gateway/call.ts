import type { IncomingMessage } from 'node:http';
import { type Answer, markNoindex, sendAnswer } from './answer.ts';
import type { ClientResponse } from './clients/client-response.ts';
import type { RequestTarget } from './reading/request-target.ts';
import type { ProxyPlan } from './upstream/proxy-request.ts';
import type { Share } from './waiting/app-queue.ts';

/** A request that has passed the checks. */
export interface Call {
  readonly request: IncomingMessage;
  readonly response: ClientResponse;
  readonly target: RequestTarget;
  readonly upgrade: ProxyPlan['upgrade'];
  /** Whether its host lies in the environments' zone: whatever is answered there is not for search engines. */
  readonly noindex: boolean;
  /** Until when it may wait for a held route; absent before it found one. */
  readonly heldUntil?: number;
  /** What it takes of its app's limit, given back when the response closes; absent where there is none. */
  readonly share?: Share;
  /** The beginning of its body, or all of it, is there. */
  readonly hasBody?: true;
}

/** Gives an answer of the gateway itself. */
export function answerCall({ request, response, noindex }: Call, answer: Answer): void {
  if (noindex) markNoindex(response);
  sendAnswer(request, response, answer);
}
