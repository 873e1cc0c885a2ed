import type { Server } from 'node:net';

/** Counts the connections of servers. */
export class Traffic {
  #open = 0;
  #accepted = 0;
  #refused = 0;

  /** Counts this one from now on. */
  watch(server: Server): void {
    const left = () => {
      this.#open -= 1;
    };
    server.on('connection', (socket) => {
      this.#accepted += 1;
      this.#open += 1;
      socket.once('close', left);
    });
    // Beyond the limit of all connections.
    server.on('drop', () => {
      this.#refused += 1;
    });
  }

  /** Open now; accepted and refused since the start. */
  counts(): {
    readonly connectionsOpen: number;
    readonly connectionsAccepted: number;
    readonly connectionsRefused: number;
  } {
    return { connectionsOpen: this.#open, connectionsAccepted: this.#accepted, connectionsRefused: this.#refused };
  }
}
