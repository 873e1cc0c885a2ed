import type { Socket } from 'node:net';

const LINGER_MS = 5_000;

/**
 * Makes a connection end gently after the answer that is about to be sent: closed while the client still sends, it would be reset,
 * and the answer be lost. What still comes is thrown away, for a bounded time.
 */
export function lingerAtEnd(socket: Socket): void {
  socket.destroySoon = () => {
    socket.end();
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(timer));
    socket.resume();
  };
}
