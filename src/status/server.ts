import { chmod, mkdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname } from 'node:path';
import { type StatusDeps, statusApp } from './api.ts';

/** A status server that listens. */
export interface StatusServer {
  /** Stops answering, streams included, and removes the socket. */
  close(): Promise<void>;
}

/**
 * Answers on a Unix socket that gateways lead the status host to. Its folder is closed to everybody else, since requests
 * that come this way are believed about who their peer is. A socket that a dead controller left is replaced.
 */
export async function startStatusServer(socketPath: string, deps: StatusDeps): Promise<StatusServer> {
  const folder = dirname(socketPath);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  await rm(socketPath, { force: true });
  const server = createServer(statusApp(deps));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, () => resolve());
  });
  server.on('error', (error) => deps.onFault('the status server', error));
  return {
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
      await rm(socketPath, { force: true });
    },
  };
}
