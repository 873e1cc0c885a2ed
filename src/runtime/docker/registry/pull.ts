import type { AuthConfig, ImageInspectInfo } from 'dockerode';
import { MainspringError } from '../../../model/errors.ts';
import type { Client } from '../connection/connection.ts';
import { engineWords, isAway } from '../connection/engine-error.ts';
import { inspected } from '../images.ts';
import { jsonLines } from '../json-lines.ts';
import { parseReference, pulledName, type Reference } from './reference.ts';
import { registryRefusal } from './refusal.ts';
import type { Credential, RegistryAuth } from './registry-auth.ts';

/** An image that is there now. */
export interface Pulled {
  readonly image: ImageInspectInfo;
  /** The name that it was given and did not have before; null: it was there by it. */
  readonly newName: string | null;
}

/** What finding an image needs. */
export interface PullOptions {
  readonly auth: RegistryAuth;
  /** Is told what takes long, and what was done without. */
  readonly say: (line: string) => Promise<void>;
  readonly signal: AbortSignal;
  /** Ask the registry first for what the reference means now; what is there serves only where it does not answer. */
  readonly newest?: boolean;
}

/** How long a registry may take to say what a tag means. */
const ASK_MS = 30_000;

/** The image of a reference: the one that is there, else the one of the registry. */
export async function findOrPull(client: Client, text: string, options: PullOptions): Promise<Pulled> {
  const reference = parseReference(text);
  if (reference === undefined) {
    throw new MainspringError('build-failed', `image "${text}": expected the name of an image`, {
      hint: 'As in "python:3.13-slim" or "registry.example.com/team/app:1".',
    });
  }
  const search: Search = { client, text, reference, options };
  const there = await inspected(client.docker.getImage(pulledName(reference)).inspect());
  if (there === undefined) return pull(search, pulledName(reference));
  if (options.newest !== true || reference.digest !== null) return { image: there, newName: null };
  try {
    return await findNewest(search);
  } catch (error) {
    if (options.signal.aborted) throw options.signal.reason;
    await options.say(`${messageOf(error)}: no newer image could be asked for, the one that is here is used`);
    return { image: there, newName: null };
  }
}

interface Search {
  readonly client: Client;
  /** The reference as it is written. */
  readonly text: string;
  readonly reference: Reference;
  readonly options: PullOptions;
}

/**
 * What the registry has by the name now. Found by its digest, so that nobody's tag moves in the engine; Podman's API does not tell
 * digests, so there the tag does.
 */
async function findNewest(search: Search): Promise<Pulled> {
  const { client, reference } = search;
  if (client.about.kind === 'podman') return { ...(await pull(search, pulledName(reference))), newName: null };
  const pinned = `${reference.repository}@${await digestNow(search)}`;
  const there = await inspected(client.docker.getImage(pinned).inspect());
  return there === undefined ? pull(search, pinned) : { image: there, newName: null };
}

async function digestNow(search: Search): Promise<string> {
  const { client, text, reference, options } = search;
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(ASK_MS)]);
  const credential = await options.auth(reference.host);
  try {
    return await askDigest(client, pulledName(reference), credential?.config, signal);
  } catch (error) {
    throw registryRefusal({ ref: text, host: reference.host, credential }, error);
  }
}

/** Straight by the API, as the library's own call can't be cancelled. */
function askDigest(client: Client, name: string, authconfig: AuthConfig | undefined, signal: AbortSignal) {
  const request = {
    path: `/distribution/${name}/json`,
    method: 'GET',
    abortSignal: signal,
    ...(authconfig === undefined ? {} : { authconfig }),
    statusCodes: { 200: true, 401: 'refused', 403: 'refused', 404: 'not there', 500: 'server error' },
  };
  return new Promise<string>((resolve, reject) => {
    client.docker.modem.dial(request, (error, answer) => {
      const digest = (answer as { Descriptor?: { digest?: unknown } } | null)?.Descriptor?.digest;
      if (error !== null) reject(error);
      else if (typeof digest === 'string' && /^sha256:[0-9a-f]{64}$/.test(digest)) resolve(digest);
      else reject(new Error('expected a digest, found none'));
    });
  });
}

async function pull(search: Search, name: string): Promise<Pulled> {
  const { client, text, reference, options } = search;
  await options.say(`pulling ${name}`);
  const credential = await options.auth(reference.host);
  try {
    await bring(client, name, credential, options.signal);
  } catch (error) {
    if (options.signal.aborted) throw options.signal.reason;
    if (error instanceof MainspringError || isAway(error)) throw error;
    throw registryRefusal({ ref: text, host: reference.host, credential }, error);
  }
  const image = await inspected(client.docker.getImage(name).inspect());
  if (image !== undefined) return { image, newName: name };
  throw new MainspringError('build-failed', `image "${text}": it is not there after it was pulled`, {
    retry: 'after-interval',
  });
}

async function bring(client: Client, name: string, credential: Credential | undefined, signal: AbortSignal) {
  const options = { fromImage: name, abortSignal: signal };
  const asked: Promise<NodeJS.ReadableStream> = client.docker.createImage(credential?.config ?? {}, options);
  for await (const message of jsonLines<{ error?: string }>(await asked)) {
    // With a status, as a refusal of the engine has: it is not away.
    if (message.error !== undefined) throw Object.assign(new Error(message.error), { statusCode: 500 });
  }
}

function messageOf(error: unknown): string {
  return error instanceof MainspringError ? error.message : engineWords(error);
}
