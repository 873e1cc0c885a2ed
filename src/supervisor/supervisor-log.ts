/** Writes one line of the supervisor's log. Must not throw. */
export type SupervisorLog = (
  level: 'info' | 'warn' | 'error',
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;
