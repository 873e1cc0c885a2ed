import { MainspringError } from '../model/errors.ts';
import type { Fault } from './checks.ts';

/** One thing that is wrong with the settings. */
export interface SettingsError {
  /** The key, `gateway.processes`; empty where the file as a whole is at fault. */
  readonly key: string;
  /** The file as it was named; null for what an environment variable says. */
  readonly file: string | null;
  readonly line: number | null;
  /** Begins with the key, or with the variable that sets it. */
  readonly message: string;
  readonly hint: string | null;
}

/** All of them as one error, for who can only throw. */
export function settingsInvalid(file: string, errors: readonly SettingsError[]): MainspringError {
  const count = errors.length === 1 ? 'an error' : `${errors.length} errors`;
  const lines = errors.map((error) => `  ${settingsErrorLine(error)}`);
  return new MainspringError('settings-invalid', `the settings (${file}) have ${count}:\n${lines.join('\n')}`);
}

/** One error as a person reads it: place, message, hint. */
export function settingsErrorLine(error: SettingsError): string {
  const place = error.file === null ? '' : `${error.file}${error.line === null ? '' : `:${error.line}`}: `;
  return `${place}${error.message}${error.hint === null ? '' : ` (${error.hint})`}`;
}

/** What a fault says of the value that was found. */
export function faultMessage(fault: Fault, value: unknown): string {
  const which = fault.entry === undefined ? '' : `entry ${fault.entry.index + 1} `;
  const found = fault.isSecret ? '' : `, got ${foundText(fault.entry === undefined ? value : fault.entry.value)}`;
  return `${which}should be ${fault.expected}${found}`;
}

function foundText(value: unknown): string {
  if (typeof value === 'string' || Array.isArray(value)) {
    const text = JSON.stringify(value) ?? '';
    return text.length > 80 ? `${text.slice(0, 77)}…` : text;
  }
  if (value instanceof Date) return 'a date';
  if (typeof value === 'object') return 'a section';
  return String(value);
}
