import { MainspringError } from '../../../model/errors.ts';
import { engineWords, statusOf } from '../connection/engine-error.ts';
import type { Credential } from './registry-auth.ts';

/** What was asked of a registry. */
export interface Asked {
  /** The reference as it is written. */
  readonly ref: string;
  readonly host: string;
  readonly credential: Credential | undefined;
}

/** Engines say by words alone that a registry wants another credential; Docker Hub says so of what is not there, too. */
const UNAUTHORIZED =
  /unauthorized|no basic auth credentials|authentication required|authorization failed|incorrect username|invalid username\/password|access (?:to the resource is )?denied|denied:/i;

/**
 * Why an image could not be had, as an error: of a credential it says which setting it is of. That there is no such image needs a change in git;
 * all else may be different in a moment.
 */
export function registryRefusal({ ref, host, credential }: Asked, error: unknown): MainspringError {
  const words = engineWords(error).slice(0, 500);
  const retry = statusOf(error) === 404 || statusOf(error) === 403 ? 'needs-human' : 'after-interval';
  if (UNAUTHORIZED.test(words) || statusOf(error) === 401) {
    const found = credential === undefined ? 'found none' : `refused the one of ${credential.from}`;
    return new MainspringError(
      'build-failed',
      `image "${ref}": registry "${host}" wants a credential, ${found} (${words})`,
      {
        cause: error,
        hint: hintFor(host, credential),
        retry,
      },
    );
  }
  return new MainspringError('build-failed', `image "${ref}": registry "${host}": ${words}`, {
    cause: error,
    hint: 'Is the name right, the registry reachable, and its credential in [registry.NAME] of mainspring.toml?',
    retry,
  });
}

function hintFor(host: string, credential: Credential | undefined): string {
  if (credential === undefined) {
    return `Add [registry.NAME] with host = "${host}", username and password_file to mainspring.toml, or "docker login ${host}" as the user of the daemon. Is the name of the image right?`;
  }
  return `Look at ${credential.fix}. Is the name of the image right, and may this user read it?`;
}
