import type { ErrorCode } from '../model/errors.ts';

/** The exit codes that scripts rely on. */
export const EXIT = { fine: 0, failed: 1, changes: 2, timedOut: 3, usage: 64 } as const;

/** The exit code for an error that ended a command. */
export function exitCodeOf(code: ErrorCode): number {
  if (code === 'usage') return EXIT.usage;
  return code === 'timed-out' ? EXIT.timedOut : EXIT.failed;
}
