import type { UPSTREAM_FAULTS } from '../../model/gateway-counts.ts';
import type { RequestTarget } from '../reading/request-target.ts';
import type { LiveRoute } from '../routing/route-table.ts';
import type { AppMeter } from './app-meters.ts';

/**
 * What is noted of one request by whoever deals with it, for metrics and access log. Nothing here decides anything. Times are of the
 * monotonic clock in milliseconds, 0 for what has not happened.
 */
export class RequestRecord {
  readonly startedAt: number;
  /** The head of the answer was sent. */
  headAt = 0;
  /** The request was sent to the app, and the head of its answer came. */
  askedAt = 0;
  answeredAt = 0;
  /** What it asks for, once that is known to be well-formed. */
  target: RequestTarget | undefined = undefined;
  route: LiveRoute | undefined = undefined;
  meter: AppMeter | undefined = undefined;
  fault: (typeof UPSTREAM_FAULTS)[number] | undefined = undefined;
  /** The title of what the gateway answered by itself. */
  answer: string | undefined = undefined;
  retries = 0;
  isHeld = false;
  isWoken = false;
  isUpgraded = false;

  constructor(startedAt: number) {
    this.startedAt = startedAt;
  }
}
