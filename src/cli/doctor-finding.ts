import type { Settings } from '../model/settings.ts';

/** What one look found out. */
export interface Finding {
  readonly name: string;
  readonly state: 'ok' | 'warn' | 'fail';
  readonly message: string;
  /** What to do; null where nothing is to be done. */
  readonly hint: string | null;
}

/** One look at something. Gives one finding, or one for each thing that it looked at. Never changes anything. */
export type Look = (at: LookedAt) => Promise<readonly Finding[]>;

/** A look at what the settings say nothing of. */
export type MachineLook = (at: Pick<LookedAt, 'now' | 'signal'>) => Promise<readonly Finding[]>;

/** What is looked at. */
export interface LookedAt {
  readonly settings: Settings;
  readonly now: number;
  readonly signal: AbortSignal;
  /** The commit of the followed branch, listed now. */
  readonly listConfigRepo: (settings: Settings, signal: AbortSignal) => Promise<string>;
  /** What the container engine is and can; throws where it does not answer. */
  readonly lookAtContainers: (settings: Settings) => Promise<readonly Omit<Finding, 'name'>[]>;
}

/** All is well. */
export function fine(name: string, message: string): Finding {
  return { name, state: 'ok', message, hint: null };
}

/** It works, but somebody should know. */
export function warning(name: string, message: string, hint: string | null): Finding {
  return { name, state: 'warn', message, hint };
}

/** It does not work. */
export function failure(name: string, message: string, hint: string | null): Finding {
  return { name, state: 'fail', message, hint };
}
