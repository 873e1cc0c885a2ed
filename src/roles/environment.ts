/** Environment variables as handed down from `main.ts`, the only place that reads them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Names one boundary, or one and how often it must be reached: the process then kills itself there. For tests of what survives. */
export const FAILPOINT_VARIABLE = 'MAINSPRING_INTERNAL_FAILPOINT';
