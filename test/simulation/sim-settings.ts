import type { Settings } from '../../src/model/settings.ts';

/** When every history begins. */
export const START = Date.UTC(2026, 0, 1);
/** How long the controller is held up at times: long enough for a push to be seen, accepted and acted upon. */
export const STALL_MS = 8_000;
/** How long a killed controller is away. */
export const RESTART_MS = 500;
/** Retention in the simulation, in milliseconds: short, since each poll of it costs time. */
export const RETAIN_MS = 900_000;
/** How often every repo is looked at. */
export const POLL_MS = 60_000;
/** How long a build may take. */
export const BUILD_MS = 300_000;
/** How long requests in flight may take to end. */
export const DRAIN_MS = 30_000;

/** What the simulated installation is set to. */
export const SETTINGS = {
  configRepo: 'https://git.example.com/config',
  branch: 'main',
  domain: 'localhost',
  envDomain: 'env.localhost',
  publicUrl: 'http://localhost:8080',
  pollIntervalMs: POLL_MS,
  retainMs: RETAIN_MS,
  engines: { process: 'all', docker: 'off', onExit: 'keep', builds: null, memoryPressure: 0.9 },
} as Settings;
