import type { Socket } from 'node:net';
import { jsonLines } from '../../model/json-lines.ts';

/** Calls `onMessage` for each line of JSON that comes in, in order. Anything else ends the connection. */
export function readJsonLines(socket: Socket, onMessage: (message: Record<string, unknown>) => void): void {
  socket.setEncoding('utf8');
  socket.on(
    'data',
    jsonLines(
      (message) => !socket.destroyed && onMessage(message),
      () => socket.destroy(),
    ),
  );
}

/** Writes one message as a line. On a connection that is gone it does nothing. */
export function writeJsonLine(socket: Socket, message: object): void {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
}
