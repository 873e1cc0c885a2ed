import type { Socket } from 'node:net';

const LINGER_MS = 5_000;

/**
 * Ends a connection gently: our side now, all of it when the client has ended its own or time is over. Closed while the client
 * still sends, it would be reset, and the answer be lost (RFC 9112, 9.6). What still comes is thrown away.
 */
export function linger(socket: Socket): void {
  socket.end();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
  socket.resume();
}

/** Makes a connection end so after the answer that is about to be sent. */
export function lingerAtEnd(socket: Socket): void {
  socket.destroySoon = () => linger(socket);
}
