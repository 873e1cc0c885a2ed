import type { ConfigError } from '../model/config.ts';
import type { ErrorCode } from '../model/errors.ts';

/** A config error with the column it begins at (0: the whole line), for those who can show one. */
export interface LocatedError extends ConfigError {
  readonly column: number;
}

/** More errors than this are counted, not listed: nobody reads them, and a branch must not be able to fill the store. */
export const MAX_LISTED_ERRORS = 1_000;

/** A place within a file; line 0 means the whole file. */
export interface Spot {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Makes a located error; an empty hint is none. */
export function errorAt(
  at: Spot,
  message: string,
  options: { readonly code?: ErrorCode; readonly hint?: string | null } = {},
): LocatedError {
  return {
    code: options.code ?? 'config-invalid',
    file: at.file,
    line: at.line > 0 ? at.line : null,
    column: at.line > 0 ? at.column : 0,
    message: clipped(message),
    hint: options.hint === undefined || options.hint === null || options.hint === '' ? null : clipped(options.hint),
  };
}

const MAX_MESSAGE = 1_000;

/** A text from a config file, cut where nobody reads on. */
export function clipped(text: string): string {
  return text.length <= MAX_MESSAGE ? text : `${text.slice(0, MAX_MESSAGE).toWellFormed()}…`;
}

/** In the order people read them, by file, line and column, each once; past `MAX_LISTED_ERRORS` a last one says how many are left out. */
export function tidyErrors(errors: readonly LocatedError[]): readonly LocatedError[] {
  const byText = new Map(
    errors.map((error) => [`${error.file}\n${error.line}\n${error.column}\n${error.message}`, error]),
  );
  const sorted = [...byText.values()].sort(compareErrors);
  if (sorted.length <= MAX_LISTED_ERRORS) return sorted;
  const listed = sorted.slice(0, MAX_LISTED_ERRORS);
  const rest = { file: sorted[MAX_LISTED_ERRORS]?.file ?? '', line: 0, column: 0 };
  return [...listed, errorAt(rest, `and ${sorted.length - listed.length} more errors, not listed`)];
}

/** The error as rows, pages and answers carry it. */
export function withoutColumn(error: LocatedError): ConfigError {
  return { code: error.code, file: error.file, line: error.line, message: error.message, hint: error.hint };
}

function compareErrors(a: LocatedError, b: LocatedError): number {
  return (
    compareText(a.file, b.file) ||
    (a.line ?? 0) - (b.line ?? 0) ||
    a.column - b.column ||
    compareText(a.message, b.message)
  );
}

/** Orders by code units: the same on every machine, whatever its language. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
