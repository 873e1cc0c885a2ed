import type { AccessLogSettings, GatewayLimits, ListenAddress, UpstreamSettings } from '../model/settings.ts';
import type { HoldLimits } from './waiting/waiting-room.ts';

/** All that a gateway process needs to know; plain JSON, so that whoever starts the process can hand it over. */
export interface GatewayConfig {
  /** Bound descriptors that the process inherited, or, without a supervisor, addresses. */
  readonly listen: readonly ({ readonly fd: number } | ListenAddress)[];
  /** `DATA/mainspring.db`. */
  readonly dbPath: string;
  /** `DATA/run/control.sock`. */
  readonly controlSocket: string;
  /** `DATA/run/status.sock`, where the controller answers requests for the status host. */
  readonly statusSocket: string;
  /** Lower case, without a port. */
  readonly statusHost: string;
  /** The zone of all environments but production, lower case. */
  readonly envDomain: string;
  /** Whether cookies of apps may reach that zone. */
  readonly sharedCookies: boolean;
  /** Whether crawlers wake apps that are asleep, and keep them awake. */
  readonly crawlersWake: boolean;
  readonly hooks: Readonly<Record<string, { readonly secretFile: string }>>;
  readonly trustedProxies: readonly string[];
  /** Which versions of the PROXY header all connections begin with. */
  readonly proxyProtocol: 'off' | 'v1' | 'v2' | 'any';
  readonly proxyAllow: readonly string[];
  /** `connections` holds for each gateway process. */
  readonly limits: GatewayLimits;
  /** Where requests are written down; absent: nowhere. */
  readonly accessLog?: AccessLogSettings | null;
  /** How long requests may go on after the gateway was asked to stop. */
  readonly drainMs: number;
  /** What is not said is as in the settings' defaults. */
  readonly upstream?: Partial<UpstreamSettings>;
  readonly hold?: HoldLimits;
  /** How long a request waits for its turn at its app at most. */
  readonly queueMs?: number;
  readonly pollMs?: number;
}

/** Writes one line of the gateway's log. Must not throw. */
export type GatewayLog = (
  level: 'info' | 'warn' | 'error',
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;
