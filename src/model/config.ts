import type { AppDeclaration } from './app.ts';
import type { ErrorCode } from './errors.ts';
import type { SpecBook } from './spec.ts';

/** A place in a config file. Lines and columns count from 1; column 0 means the whole line. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One error of a config tree, as section 16 gives it (`line` is null where no single line is at fault). */
export interface ConfigError {
  readonly code: ErrorCode;
  readonly file: string;
  readonly line: number | null;
  readonly message: string;
  readonly hint: string | null;
}

/** `previews(...)`, once on main. */
export interface PreviewPolicy {
  readonly branches: readonly string[];
  readonly max: number;
  readonly ttlMs: number;
  /** What is new in a preview sleeps once it is verified. Absent where it does not. */
  readonly asleep?: true;
}

/** `release(...)`, once on main. */
export interface ReleasePolicy {
  readonly atomic: boolean;
  /** The hash of the set of removals that may go on although the brake holds it. */
  readonly allowRemoval: string | null;
}

/** What a config tree declares when all of it is right. */
export interface Declarations {
  readonly apps: readonly AppDeclaration[];
  readonly previews: PreviewPolicy;
  readonly release: ReleasePolicy;
  /** The specs that the apps mean by name: the built-in ones, and those of the config tree, which win over them. */
  readonly specs: SpecBook;
}

/** The outcome of evaluating a config tree: everything, or every error. */
export type Evaluation =
  | {
      readonly ok: true;
      readonly declarations: Declarations;
      readonly prints: readonly (Position & { readonly text: string })[];
    }
  | { readonly ok: false; readonly errors: readonly ConfigError[] };

/** The default policy when `previews()` is not called. */
export const DEFAULT_PREVIEWS: PreviewPolicy = { branches: ['*'], max: 20, ttlMs: 14 * 86_400_000 };
/** The default policy when `release()` is not called. */
export const DEFAULT_RELEASE: ReleasePolicy = { atomic: true, allowRemoval: null };

/** What an event of the audit log says of a config that does not evaluate: its first 20 errors, and how many more there are. */
export function rejection(all: readonly ConfigError[]) {
  const errors = all.slice(0, 20).map(({ code, file, line, message }) => ({ code, file, line, message }));
  return { errors, more: all.length - errors.length };
}
