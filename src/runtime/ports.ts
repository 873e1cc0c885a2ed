import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { MainspringError } from '../model/errors.ts';

// Below the range that the kernel takes the near ends of connections from (32768 and up), so that none is in the way by chance.
const FIRST_PORT = 20_000;
const PORTS = 12_000;

/**
 * A port of loopback that nobody listens on and that `taken` does not hold: `preferred` if it can be, else one of a range, beginning
 * at a place that follows from `seed`, so that two installations don't fight for the same ones.
 */
export async function choosePort(seed: string, preferred: number | null, taken: ReadonlySet<number>): Promise<number> {
  if (preferred !== null && !taken.has(preferred) && (await isFree(preferred))) return preferred;
  const offset = createHash('sha256').update(seed).digest().readUInt32BE(0);
  for (let step = 0; step < PORTS; step++) {
    const port = FIRST_PORT + ((offset + step) % PORTS);
    if (!taken.has(port) && (await isFree(port))) return port;
  }
  const end = FIRST_PORT + PORTS - 1;
  throw new MainspringError('start-failed', `no free port between ${FIRST_PORT} and ${end} on 127.0.0.1`, {
    retry: 'after-interval',
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
