import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type Docker from 'dockerode';
import { root as checkout } from '../../imports.ts';
import { answer } from '../../support/containers/answer.ts';
import { gone } from '../../support/containers/installation.ts';
import { PROGRAM } from './daemon.ts';
import type { Installation } from './installation.ts';

/** The base of the container that the daemon runs in. Programs come from this machine, which has to be of the same kind. */
export const DAEMON_BASE = 'debian:bookworm-slim';

/** A daemon in a container of the engine that it runs apps in. */
export interface ContainedDaemon {
  /** Its container's id. */
  readonly id: string;
  /** Ends it and starts it again, as one container. */
  restart(): Promise<void>;
  /** Ends it and removes its container. Apps run on. */
  remove(): Promise<void>;
  log(): Promise<string>;
}

/** Starts `serve` on an installation in a container, as one does by hand: the engine's socket and the data are given to it. Whoever calls removes it. */
export async function startContained(
  docker: Docker,
  { root, file, port, settings }: Installation,
): Promise<ContainedDaemon> {
  const shared = [root, dirname(settings.docker)];
  const read = ['/usr', checkout, join(checkout, 'node_modules'), dirname(process.execPath)].map((path) =>
    realpathSync(path),
  );
  const inner = `${port}/tcp`;
  const container = await docker.createContainer({
    Image: DAEMON_BASE,
    Cmd: [realpathSync(process.execPath), PROGRAM[2], 'serve', '--config', file],
    Env: [`HOME=${root}`, `TMPDIR=${join(root, 'tmp')}`],
    WorkingDir: root,
    ExposedPorts: { [inner]: {} },
    HostConfig: {
      Binds: [
        ...shared.map((path) => `${path}:${path}`),
        ...[...new Set(read)].filter((path) => !path.startsWith('/usr/')).map((path) => `${path}:${path}:ro`),
      ],
      PortBindings: { [inner]: [{ HostIp: '127.0.0.1', HostPort: String(port) }] },
    },
  });
  await answer(container.start());
  return {
    id: container.id,
    restart: () => answer(container.restart({ t: 20 })),
    async remove() {
      await gone(container.stop({ t: 20 }));
      await gone(container.remove({ force: true, v: true }));
    },
    log: async () => String(await answer(container.logs({ stdout: true, stderr: true, tail: 50 }))),
  };
}
