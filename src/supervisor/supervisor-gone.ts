import { Socket } from 'node:net';

/** The controller's end of its connection to the supervisor. */
export interface SupervisorConnection {
  /** Tells the supervisor that the controller has come up. */
  reportReady(): void;
  close(): void;
}

/**
 * Watches the descriptor that the controller got from its supervisor: it ends when the supervisor does, whatever killed it. Nothing
 * is polled, and no process id can be taken for another.
 */
export function watchSupervisor(fd: number, onGone: () => void): SupervisorConnection {
  const socket = new Socket({ fd, readable: true, writable: true });
  socket.on('error', () => socket.destroy());
  socket.on('end', () => socket.destroy());
  socket.on('close', onGone);
  socket.resume();
  // It must not be what keeps the controller running.
  socket.unref();
  return {
    reportReady: () => {
      socket.write('ready\n');
    },
    close: () => {
      socket.off('close', onGone);
      socket.destroy();
    },
  };
}
