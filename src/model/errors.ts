/** What the loop does after an error: look again at once, look again at the next interval, or wait until a person changes something. */
export type Retry = 'now' | 'after-interval' | 'needs-human';

/** Every error that Mainspring can report by itself. docs/errors.md lists the same codes; a test compares the two. */
export const ERROR_CODES = [
  // settings and commands
  'settings-invalid',
  'settings-missing',
  'usage',
  'already-initialised',
  'not-initialised',
  'daemon-unreachable',
  'not-permitted',
  'not-found',
  'timed-out',
  // config
  'config-invalid',
  'config-limit',
  'config-source-missing',
  // git
  'git-missing',
  'git-url-refused',
  'git-auth-refused',
  'git-auth-unknown',
  'git-list-failed',
  'git-timeout',
  'git-fetch-failed',
  'git-ref-missing',
  'git-ref-moved',
  'git-repo-empty',
  'git-mirror-corrupt',
  'git-tree-unsupported',
  'git-path-missing',
  // store
  'store-locked',
  'store-newer',
  'store-corrupt',
  'store-full',
  'store-read-only',
  'store-failed',
  'audit-broken',
  // runtime
  'engine-off',
  'engine-failed',
  'spec-unknown',
  'spec-undetected',
  'build-failed',
  'build-timeout',
  'start-failed',
  'instance-exited',
  'instance-changed',
  'health-timeout',
  'stage-failed',
  'release-blocked',
  'proxy-target-refused',
  'data-folder-failed',
  // gateway
  'listen-failed',
  'unexpected',
] as const;

/** One of the codes above. Code decides by code; nobody matches on message text. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** What an error may carry besides its code and message. */
export interface ErrorOptions {
  readonly cause?: unknown;
  readonly retry?: Retry;
  readonly hint?: string;
}

/**
 * The one error class: a code, a message that names the operation and its subject in quotes, a hint that says what to do, and
 * what the loop should do next. Messages never hold secrets.
 */
export class MainspringError extends Error {
  override readonly name = 'MainspringError';
  readonly code: ErrorCode;
  readonly retry: Retry;
  readonly hint: string | null;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retry = options.retry ?? 'needs-human';
    this.hint = options.hint ?? null;
  }
}

/** The same as a plain value: what rows, events and answers carry. */
export interface Problem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | null;
  readonly retry: Retry;
}

/** Turns anything thrown into a plain value; what is not a `MainspringError` becomes `unexpected`, to be looked at again later. */
export function problemOf(error: unknown): Problem {
  if (error instanceof MainspringError) {
    return { code: error.code, message: error.message, hint: error.hint, retry: error.retry };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'unexpected', message, hint: null, retry: 'after-interval' };
}

/** Whether an error is the end of something that was cancelled. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError');
}

/** Whether an error says that nothing can be recorded now: then nothing about it can be recorded either. */
export function isStoreError(error: unknown): boolean {
  return error instanceof MainspringError && error.code.startsWith('store-');
}
