import { join } from 'node:path';
import type { GatewayConfig } from '../../src/gateway/gateway-config.ts';
import type { GatewayLimits } from '../../src/model/settings.ts';

/** Limits that tests can reach. */
export const LIMITS: GatewayLimits = {
  headerBytes: 16_384,
  targetBytes: 8_192,
  headerTimeoutMs: 5_000,
  hookBodyBytes: 1_000,
  connections: 1_000,
  peerConnections: 1_000,
  headerCount: 200,
  bodyTimeoutMs: 60_000,
};

/** What a gateway in this folder runs with where nothing is said: on a free port of loopback, with nothing switched on. */
export function gatewayConfigIn(dir: string, edit: Partial<GatewayConfig> = {}): GatewayConfig {
  return {
    listen: [{ host: '127.0.0.1', port: 0 }],
    dbPath: join(dir, 'mainspring.db'),
    controlSocket: join(dir, 'run/control.sock'),
    statusSocket: join(dir, 'run/status.sock'),
    statusHost: 'mainspring.localhost',
    envDomain: 'env.localhost',
    sharedCookies: false,
    crawlersWake: false,
    hooks: {},
    trustedProxies: [],
    proxyProtocol: 'off',
    proxyAllow: [],
    limits: LIMITS,
    drainMs: 0,
    ...edit,
  };
}
