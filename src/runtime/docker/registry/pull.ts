import type { ImageInspectInfo } from 'dockerode';
import { MainspringError } from '../../../model/errors.ts';
import type { Client } from '../connection/connection.ts';
import { engineWords, isAway, statusOf } from '../connection/engine-error.ts';
import { inspected } from '../images.ts';
import { jsonLines } from '../json-lines.ts';
import { parseReference, pulledName } from './reference.ts';
import type { RegistryAuth } from './registry-auth.ts';

/** An image that is there now. */
export interface Pulled {
  readonly image: ImageInspectInfo;
  /** Whether it was not there before. */
  readonly isNew: boolean;
}

/** The image of a reference: the one that is there, else the one of the registry. `say` is told what takes long. */
export async function findOrPull(
  client: Client,
  text: string,
  {
    auth,
    say,
    signal,
  }: { readonly auth: RegistryAuth; readonly say: (line: string) => Promise<void>; readonly signal: AbortSignal },
): Promise<Pulled> {
  const reference = parseReference(text);
  if (reference === undefined) throw refused(text, 'expected the name of an image', 'needs-human');
  const name = pulledName(reference);
  const there = await inspected(client.docker.getImage(name).inspect());
  if (there !== undefined) return { image: there, isNew: false };
  await say(`pulling ${name}`);
  const authconfig = await auth(reference.host);
  try {
    const options = { fromImage: name, abortSignal: signal };
    const asked: Promise<NodeJS.ReadableStream> = client.docker.createImage(authconfig ?? {}, options);
    for await (const message of jsonLines<{ error?: string }>(await asked)) {
      if (message.error !== undefined) throw refused(text, message.error, 'after-interval');
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof MainspringError || isAway(error)) throw error;
    // 404 and 403: the registry answered that there is none for us. All else may be different in a moment.
    const isFinal = statusOf(error) === 404 || statusOf(error) === 403;
    throw refused(text, engineWords(error), isFinal ? 'needs-human' : 'after-interval');
  }
  const image = await inspected(client.docker.getImage(name).inspect());
  if (image === undefined) throw refused(text, 'it is not there after it was pulled', 'after-interval');
  return { image, isNew: true };
}

function refused(ref: string, fault: string, retry: 'needs-human' | 'after-interval'): MainspringError {
  return new MainspringError('build-failed', `image "${ref}": ${fault.trim().slice(0, 500)}`, {
    hint: 'Is the name right, the registry reachable, and its credential in [registry.NAME] of mainspring.toml?',
    retry,
  });
}
