import type { Socket } from 'node:net';
import { AccessLog } from './access-log.ts';
import { AppMeters } from './app-meters.ts';
import type { GatewayConfig, GatewayLog } from './gateway-config.ts';
import type { Trust } from './peer.ts';
import { RequestObserver } from './request-observer.ts';

/** What a gateway process counts and writes down of what it serves. */
export interface Observation {
  readonly meters: AppMeters;
  readonly accessLog: AccessLog | undefined;
  readonly observer: RequestObserver;
}

/** How a process knows its peers, and where it complains. */
export interface ObservationDeps {
  readonly isTrusted: Trust;
  /** The address of who connected, as a proxy in front may have told it. */
  readonly addressOf: (socket: Socket) => string;
  readonly log: GatewayLog;
}

/** Makes it as the configuration says. Whoever has it closes the access log in the end. */
export function makeObservation({ accessLog: settings }: GatewayConfig, deps: ObservationDeps): Observation {
  const accessLog = settings == null ? undefined : new AccessLog({ settings, ...deps });
  const meters = new AppMeters();
  return { meters, accessLog, observer: new RequestObserver(meters, accessLog) };
}
