import type { ConfigFile } from './config-tree.ts';
import { TREE_LIMITS } from './dialect.ts';
import { errorAt, type LocatedError } from './located-error.ts';

/** Why a tree is too large to be looked at; undefined when it is not. */
export function treeFault(files: readonly ConfigFile[], entries: readonly ConfigFile[]): LocatedError | undefined {
  const whole = { file: '', line: 0, column: 0 };
  if (files.length > TREE_LIMITS.files) {
    const message = `the config repo has ${files.length} files; at most ${TREE_LIMITS.files} are looked at`;
    return errorAt(whole, message, { code: 'config-limit', hint: 'Keep large sources in repos of their own.' });
  }
  if (entries.length <= TREE_LIMITS.entries) return undefined;
  const message = `the config repo has ${entries.length} entry files; at most ${TREE_LIMITS.entries} are evaluated`;
  return errorAt(whole, message, { code: 'config-limit', hint: 'A file may declare many apps.' });
}
