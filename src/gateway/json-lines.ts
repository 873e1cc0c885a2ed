import type { Socket } from 'node:net';

const MAX_LINE = 1024 * 1024;

/**
 * Calls `onMessage` for each line of JSON that comes in, in order. A line that is too long or no JSON object ends the
 * connection: the other side is not what we think it is.
 */
export function readJsonLines(socket: Socket, onMessage: (message: Record<string, unknown>) => void): void {
  let rest = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE) socket.destroy();
    for (const line of lines) {
      const message = socket.destroyed ? undefined : parseObject(line);
      if (message === undefined) socket.destroy();
      else onMessage(message);
    }
  });
}

/** Writes one message as a line. On a connection that is gone it does nothing. */
export function writeJsonLine(socket: Socket, message: object): void {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
}

function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
