import { isAbort, MainspringError } from '../../../model/errors.ts';

/** The HTTP status of an engine's answer, where the error is one. */
export function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined;
  return typeof error.statusCode === 'number' ? error.statusCode : undefined;
}

/** Whether the engine says that what was asked for is not there. */
export function isNotThere(error: unknown): boolean {
  return statusOf(error) === 404;
}

/** Waits for a call of which some answers besides success are as good. */
export async function accepting(call: Promise<unknown>, statuses: readonly number[]): Promise<void> {
  await call.catch((error: unknown) => {
    if (!statuses.includes(statusOf(error) ?? 0)) throw error;
  });
}

/** Whether no answer came at all: the engine is away, or was cut off. */
export function isAway(error: unknown): boolean {
  return !(error instanceof MainspringError) && !isAbort(error) && statusOf(error) === undefined;
}

/** What the engine says, in its own words. */
export function engineWords(error: unknown): string {
  const json = error instanceof Error && 'json' in error ? error.json : undefined;
  if (typeof json === 'object' && json !== null && 'message' in json) return String(json.message).trim();
  if (Buffer.isBuffer(json) && json.length > 0) return json.toString().trim().slice(0, 2_000);
  const message =
    error instanceof Error ? error.message || String((error as NodeJS.ErrnoException).code) : String(error);
  return message.replace(/^\(HTTP code \d+\) [^-]*- /, '').trim();
}

/** An error of the engine as ours: it is asked again later. Ends of what was cancelled, and our own errors, stay what they are. */
export function engineFailed(what: string, error: unknown): Error {
  if (error instanceof MainspringError || isAbort(error)) return error as Error;
  const hint = isAway(error) ? 'Is the container engine running? "mainspring doctor" says what it finds.' : undefined;
  return new MainspringError('engine-failed', `${what}: ${engineWords(error)}`, {
    cause: error,
    retry: 'after-interval',
    ...(hint === undefined ? {} : { hint }),
  });
}
