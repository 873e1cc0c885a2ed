import { join } from 'node:path';
import type { GatewayConfig } from '../src/gateway/gateway-config.ts';

/** What a gateway of the bench runs with, in a folder that has its table; no limit is in the way. */
export function benchGatewayConfig(dir: string): GatewayConfig {
  return {
    listen: [{ host: '127.0.0.1', port: 0 }],
    dbPath: join(dir, 'mainspring.db'),
    controlSocket: join(dir, 'control.sock'),
    statusSocket: join(dir, 'status.sock'),
    statusHost: 'mainspring.localhost',
    envDomain: 'env.localhost',
    sharedCookies: false,
    crawlersWake: false,
    hooks: {},
    trustedProxies: [],
    proxyProtocol: 'off',
    proxyAllow: [],
    limits: {
      headerBytes: 16_384,
      targetBytes: 8_192,
      headerTimeoutMs: 10_000,
      hookBodyBytes: 1_000_000,
      connections: 10_000,
      peerConnections: 100_000,
      headerCount: 1_000,
      bodyTimeoutMs: 60_000,
    },
    drainMs: 0,
  };
}
