import { parse as parseToml, TomlError } from 'smol-toml';
import type { z } from 'zod';
import { tomlLines } from '../model/toml-lines.ts';
import { type Manifest, manifestSchema } from './manifest-schema.ts';

/** Something wrong with a spec; `line` counts from 1, null: the file as a whole. */
export interface SpecFault {
  readonly line: number | null;
  readonly message: string;
}

/** A manifest with a way to the lines of its keys, or all that is wrong with it. */
export type ParsedManifest =
  | { readonly ok: true; readonly manifest: Manifest; readonly lineOf: LineOf }
  | { readonly ok: false; readonly faults: readonly SpecFault[] };

/** Says on which line of a manifest a key stands. */
export type LineOf = (path: readonly string[]) => number | null;

/** Reads the text of a `spec.toml`. */
export function parseManifest(text: string): ParsedManifest {
  let table: unknown;
  try {
    table = parseToml(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const what = error.message.split('\n')[0]?.replace(/^Invalid TOML document: /, '') ?? '';
    return { ok: false, faults: [{ line: error.line, message: `is no valid TOML: ${what}` }] };
  }
  const lineOf = tomlLines(text);
  const parsed = manifestSchema.safeParse(table);
  if (parsed.success) return { ok: true, manifest: parsed.data, lineOf };
  return { ok: false, faults: parsed.error.issues.flatMap((issue) => faultsOf(issue, lineOf)) };
}

function faultsOf(issue: z.core.$ZodIssue, lineOf: LineOf): SpecFault[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => {
      const whole = [...path, key];
      return { line: lineOf(whole), message: `${whole.join('.')}: is no key of a spec` };
    });
  const key = path.length === 0 ? '' : `${path.join('.')}: `;
  return [{ line: lineOf(path), message: `${key}${wordsOf(issue)}` }];
}

function wordsOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) return 'is missing';
  return issue.message.replace(/^Invalid (?:input|option): /, '');
}
