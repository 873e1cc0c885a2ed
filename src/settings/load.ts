import { readFile } from 'node:fs/promises';
import { MainspringError } from '../model/errors.ts';
import type { Settings } from '../model/settings.ts';
import type { Variables } from './environment.ts';
import { parseSettings, type SettingsResult } from './parse.ts';
import { settingsInvalid } from './settings-error.ts';

/** Reads and parses the file. Throws `settings-missing` if it is not there; what is wrong inside is a value. */
export async function readSettings(file: string, env: Variables): Promise<SettingsResult> {
  return parseSettings(await readText(file), { file, env });
}

/** The settings of a file. Throws `settings-missing`, or `settings-invalid` with every error of the file and the environment. */
export async function loadSettings(file: string, env: Variables): Promise<Settings> {
  const result = await readSettings(file, env);
  if (!result.ok) throw settingsInvalid(file, result.errors);
  return result.settings;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const what = code === 'ENOENT' ? 'there is no such file' : `it can't be read (${String(code)})`;
    throw new MainspringError('settings-missing', `read the settings "${file}": ${what}`, {
      cause: error,
      hint: 'Run "mainspring init REPO" to write one, or name it with --config.',
    });
  }
}
