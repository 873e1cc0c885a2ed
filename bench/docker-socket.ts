import { existsSync } from 'node:fs';

/** The socket of the engine that the bench may use: that of `DOCKER_HOST`, else the usual one. Throws where there is none. */
export function dockerSocket(): string {
  const socket = (process.env.DOCKER_HOST ?? '/var/run/docker.sock').replace(/^unix:\/\//, '');
  if (!existsSync(socket)) throw new Error(`no container engine at ${socket}: start one, or say where in DOCKER_HOST`);
  return socket;
}
