import { resolve } from 'node:path';
import { MainspringError, problemOf } from '../model/errors.ts';
import type { Settings } from '../model/settings.ts';
import { readSettings } from '../settings/load.ts';
import { settingsErrorLine } from '../settings/settings-error.ts';
import { type Finding, failure, type Look, type MachineLook } from './doctor-finding.ts';
import {
  lookAtClock,
  lookAtContainerEngine,
  lookAtDisk,
  lookAtGit,
  lookAtNode,
  lookAtPorts,
  lookAtProcessEngine,
} from './doctor-machine.ts';
import {
  lookAtConfigRepo,
  lookAtDataFolder,
  lookAtLocalRoots,
  lookAtSecrets,
  lookAtSettings,
} from './doctor-settings.ts';
import { EXIT } from './exit-code.ts';
import type { CommandIo } from './ports.ts';
import { columns, oneLine, type Paint, painter, type Style, write } from './terminal.ts';

/** What `doctor` is told. */
export interface DoctorOptions {
  readonly config: string;
  readonly json?: boolean;
}

/** What `doctor` needs of the rest. */
export interface DoctorDeps {
  readonly io: CommandIo;
  readonly listConfigRepo: (settings: Settings, signal: AbortSignal) => Promise<string>;
  readonly lookAtContainers: (settings: Settings) => Promise<readonly Omit<Finding, 'name'>[]>;
}

const MACHINE_LOOKS: readonly MachineLook[] = [lookAtNode, lookAtGit];

const LOOKS: readonly Look[] = [
  lookAtSettings,
  lookAtConfigRepo,
  lookAtLocalRoots,
  lookAtSecrets,
  lookAtDataFolder,
  lookAtDisk,
  lookAtPorts,
  lookAtProcessEngine,
  lookAtContainerEngine,
  lookAtClock,
];

const SIGNS: Readonly<Record<Finding['state'], Style>> = { ok: 'green', warn: 'yellow', fail: 'red' };

/** Looks at everything side by side and says what it found. Exits with 1 if anything fails. */
export async function doctorCommand(options: DoctorOptions, deps: DoctorDeps): Promise<number> {
  const { io } = deps;
  const findings = await examine(options.config, deps);
  const isWell = findings.every(({ state }) => state !== 'fail');
  const text = options.json
    ? `${JSON.stringify({ ok: isWell, findings }, null, 2)}\n`
    : renderFindings(findings, painter(io.colour));
  await write(io.stdout, text);
  return isWell ? EXIT.fine : EXIT.failed;
}

async function examine(config: string, { io, ...tools }: DoctorDeps): Promise<readonly Finding[]> {
  const { settings, findings } = await settingsOrFindings(resolve(io.cwd, config), io);
  const machine = { now: io.clock.now(), signal: io.signal };
  const looks = MACHINE_LOOKS.map((look) => look(machine));
  if (settings !== undefined) looks.push(...LOOKS.map((look) => look({ ...machine, ...tools, settings })));
  const found = await Promise.all(looks.map((look) => look.catch(couldNotLook)));
  return [...findings, ...found.flat()];
}

interface Read {
  /** Undefined where they are wrong: then only the machine is looked at. */
  readonly settings?: Settings;
  readonly findings: readonly Finding[];
}

async function settingsOrFindings(file: string, io: CommandIo): Promise<Read> {
  try {
    const result = await readSettings(file, io.env);
    if (result.ok) return { settings: result.settings, findings: [] };
    return {
      findings: result.errors.map((error) =>
        failure('settings', settingsErrorLine({ ...error, hint: null }), error.hint),
      ),
    };
  } catch (error) {
    if (!(error instanceof MainspringError)) throw error;
    return { findings: [failure('settings', error.message, error.hint)] };
  }
}

function couldNotLook(error: unknown): Finding[] {
  return [failure('doctor', `could not look: ${problemOf(error).message}`, null)];
}

/** Findings as a person reads them. */
export function renderFindings(findings: readonly Finding[], paint: Paint): string {
  const rows = columns(
    findings.map(({ name, state, message }) => [paint(SIGNS[state], state), oneLine(name), oneLine(message)]),
  );
  const lines = rows.flatMap((row, index) => {
    const hint = findings[index]?.hint ?? null;
    return hint === null ? [row] : [row, `      ${paint('cyan', 'hint')}: ${oneLine(hint)}`];
  });
  return `${lines.join('\n')}\n`;
}
