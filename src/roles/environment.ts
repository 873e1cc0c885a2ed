/** Environment variables as handed down from `main.ts`, the only place that reads them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Names a folder with a file for each boundary at which the controller stops itself once. For tests of what survives. */
export const FAILPOINTS_VARIABLE = 'MAINSPRING_INTERNAL_FAILPOINTS';
