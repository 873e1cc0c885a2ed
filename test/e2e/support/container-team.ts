import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root as checkout } from '../../imports.ts';
import type { Cleanup } from '../../support/cleanup.ts';
import type { Files } from './apps.ts';
import { EngineView } from './engine-view.ts';
import type { Installation } from './installation.ts';
import type { SettingsValues } from './settings-text.ts';
import { Team } from './team.ts';

/** A team whose apps are containers, and a look at the engine from outside. */
export interface ContainerTeam {
  readonly team: Team;
  /** What the engine has of it. There is none before the daemon first ran. */
  readonly view: EngineView;
}

/** Makes it on the engine of this socket; nothing runs yet. After the test nothing of it is left at the engine, whatever happened. */
export async function containerTeam(
  t: Cleanup,
  socket: string,
  files: (url: (repo: string) => string) => Files,
  settings: Partial<SettingsValues> = {},
): Promise<ContainerTeam> {
  const team = await Team.create(t, files, { settings: { process: 'off', docker: socket, ...settings } });
  removeContainersAfter(t, team.installation);
  return {
    team,
    get view() {
      const id = team.installation.installationId;
      if (id === null) throw new Error('the daemon has not run yet');
      return new EngineView(socket, id);
    },
  };
}

/** Sees to it that nothing of an installation is left at its engine after the test, whatever happened. */
export function removeContainersAfter(t: Cleanup, installation: Installation): void {
  const socket = installation.settings.docker;
  if (socket === 'off') return;
  // Who is told to end in the middle has no time to wait: another process does it.
  const removeNow = () => {
    installation.killAll();
    const id = installation.installationId;
    if (id !== null) spawnSync(process.execPath, [REMOVER, socket, id], { stdio: 'ignore' });
  };
  process.on('exit', removeNow);
  t.after(async () => {
    installation.killAll();
    const id = installation.installationId;
    if (id !== null) await new EngineView(socket, id).removeAll();
    process.off('exit', removeNow);
  });
}

const REMOVER = join(checkout, 'test/support/containers/remove-installation.ts');
