import type { Socket } from 'node:net';
import type { GatewayMessage } from '../../model/control.ts';
import type { Trust } from '../clients/peer.ts';
import { Traffic } from '../clients/traffic.ts';
import { CountReport } from '../control/count-report.ts';
import type { GatewayConfig, GatewayLog } from '../gateway-config.ts';
import { AccessLog } from './access-log.ts';
import { AppMeters } from './app-meters.ts';
import { RequestObserver } from './request-observer.ts';

/** What a gateway process counts and writes down of what it serves. */
export interface Observation {
  readonly meters: AppMeters;
  readonly observer: RequestObserver;
  readonly traffic: Traffic;
  readonly report: CountReport;
  /** Says and writes what is left. While the controller can still be told. */
  close(): Promise<void>;
}

/** How a process knows its peers, what it says of itself, and to whom. */
export interface ObservationDeps {
  readonly isTrusted: Trust;
  /** The address of who connected, as a proxy in front may have told it. */
  readonly addressOf: (socket: Socket) => string;
  readonly log: GatewayLog;
  readonly send: (message: GatewayMessage) => void;
  readonly generation: () => number;
  readonly waiting: () => number;
}

/** Makes it as the configuration says. */
export function makeObservation({ accessLog: settings }: GatewayConfig, deps: ObservationDeps): Observation {
  const accessLog = settings == null ? undefined : new AccessLog({ settings, ...deps });
  const meters = new AppMeters();
  const traffic = new Traffic();
  const report = new CountReport({
    meters,
    send: deps.send,
    counts: () => ({
      generation: deps.generation(),
      waiting: deps.waiting(),
      accessLogDropped: accessLog?.dropped ?? 0,
      ...traffic.counts(),
    }),
  });
  const close = async () => {
    report.stop();
    await accessLog?.close();
  };
  return { meters, observer: new RequestObserver(meters, accessLog), traffic, report, close };
}
