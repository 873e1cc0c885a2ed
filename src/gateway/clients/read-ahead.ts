import type { Socket } from 'node:net';

/** A connection that is to be upgraded, and what has come of it already. */
interface Upgrade {
  readonly protocol: string;
  readonly socket: Socket;
  readonly rest: Buffer;
}

const MOST_AHEAD_BYTES = 64 * 1024;

/**
 * Nobody reads a connection that is to be upgraded, and unread it does not show that the client has left. So what comes is read and
 * kept, within bounds; the result stops that and gives all that has come.
 */
export function readAhead(upgrade: Upgrade): () => Upgrade {
  const { socket } = upgrade;
  const chunks = [upgrade.rest];
  let bytes = 0;
  const take = (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= MOST_AHEAD_BYTES) socket.pause();
  };
  const end = () => socket.destroy();
  socket.on('data', take).on('end', end);
  return () => {
    socket.off('data', take).off('end', end).pause();
    return { ...upgrade, rest: Buffer.concat(chunks) };
  };
}
