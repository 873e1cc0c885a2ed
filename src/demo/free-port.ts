import { once } from 'node:events';
import { connect, createServer } from 'node:net';

const TRIES = 100;

/** A port on which nobody listens on this machine: the first of the hundred from `first` on, else any. With 0 any at once. */
export async function findFreePort(first: number): Promise<number> {
  for (let port = first; first > 0 && port < first + TRIES; port += 1) if (await isFree(port)) return port;
  return (await listenOnce(0)) ?? 0;
}

/** Whether a page at `localhost:PORT` would be ours: nobody answers there yet, by neither protocol, and it can be listened on. */
export async function isFree(port: number): Promise<boolean> {
  // Listening on 127.0.0.1 can succeed while somebody else has ::1, where browsers look first.
  if ((await answers('127.0.0.1', port)) || (await answers('::1', port))) return false;
  return (await listenOnce(port)) !== undefined;
}

async function answers(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** The port that was listened on for a moment, or undefined if that can't be had. */
async function listenOnce(port: number): Promise<number | undefined> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    return address === null || typeof address === 'string' ? undefined : address.port;
  } catch {
    return undefined;
  } finally {
    server.close();
  }
}
