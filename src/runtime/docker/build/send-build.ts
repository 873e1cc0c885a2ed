import type { Readable } from 'node:stream';
import { MainspringError } from '../../../model/errors.ts';
import type { Client } from '../connection/connection.ts';
import { engineWords, isAway } from '../connection/engine-error.ts';
import { jsonLines } from '../json-lines.ts';
import { type BuildMessage, type BuildNews, BuildOutput } from './build-output.ts';

/** A build as the engine's API takes it. */
export interface BuildOptions {
  readonly t: string;
  readonly dockerfile: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly buildargs: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly networkmode?: string;
  readonly memory?: number;
  readonly memswap?: number;
  readonly cpuperiod?: number;
  readonly cpuquota?: number;
}

/** What sending a build needs. */
export interface SendOptions {
  readonly builder: 'buildkit' | 'classic';
  readonly say: (line: string) => Promise<void>;
  readonly signal: AbortSignal;
}

/** The engine's refusal to build at all, before the first step. */
export class BuilderRefused extends Error {}

/** How often a build is sent again at once that the builder itself failed. */
const MOST_AGAIN = 2;

/**
 * Has the engine build what the context holds. Ends when the build did; one whose signal aborts is ended in the engine too, which
 * ends a build whose client is gone. Throws `build-failed` with the failing step and its last lines. What the builder itself failed, and
 * no step, is sent again at once, a few times; then it is `engine-failed`, to be tried later. A context is taken no further once the build
 * ended; one that can't be read is why it failed.
 */
export async function sendBuild(
  client: Client,
  context: () => Readable,
  build: BuildOptions,
  options: SendOptions,
): Promise<void> {
  for (let again = 0; ; again += 1) {
    const fault = await sendOnce(client, context(), build, options);
    if (fault === null) return;
    if (again === MOST_AGAIN) throw builderFailed(fault);
    await options.say(`the builder failed, and no step of the build: ${fault}; the build is sent again`);
  }
}

/** Null once it is built; else what the builder itself failed by. */
async function sendOnce(
  client: Client,
  context: Readable,
  build: BuildOptions,
  { builder, say, signal }: SendOptions,
): Promise<string | null> {
  const unread = new AbortController();
  context.once('error', (error) => unread.abort(error));
  const until = AbortSignal.any([signal, unread.signal]);
  try {
    const options = { ...build, version: builder === 'buildkit' ? '2' : '1' };
    return await runBuild(client, context, options, { say, signal: until });
  } finally {
    context.destroy();
  }
}

async function runBuild(
  client: Client,
  context: Readable,
  options: object,
  { say, signal }: Pick<SendOptions, 'say' | 'signal'>,
): Promise<string | null> {
  const stream = await openBuild(client, context, options, signal);
  const output = new BuildOutput();
  let fault: string | null = null;
  const take = async (news: readonly BuildNews[]) => {
    for (const one of news) {
      if (one.kind === 'failed' && one.by === 'builder') fault = one.message;
      else if (one.kind === 'failed') throw failed(one.message);
      else if (one.kind === 'line') await say(one.text);
    }
  };
  try {
    for await (const message of jsonLines<BuildMessage>(stream)) {
      await take(output.read(message));
      if (fault !== null) break;
    }
    await take(output.end());
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw error;
  } finally {
    stream.destroy();
  }
  signal.throwIfAborted();
  return fault;
}

function openBuild(client: Client, context: Readable, options: object, signal: AbortSignal): Promise<Readable> {
  // Straight to the API: the library's own call opens a session for each build with BuildKit, which nothing here needs.
  const request = {
    path: '/build?',
    method: 'POST',
    file: context,
    isStream: true,
    abortSignal: signal,
    options: { ...options, rm: true, forcerm: true },
    statusCodes: { 200: true, 400: 'bad parameter', 500: 'server error' },
  };
  return new Promise((resolve, reject) => {
    client.docker.modem.dial(request, (error, stream) => {
      if (error === null) resolve(stream as Readable);
      else if (signal.aborted) reject(signal.reason);
      else reject(openFailure(error));
    });
  });
}

function openFailure(error: Error): Error {
  return isAway(error) ? error : new BuilderRefused(engineWords(error), { cause: error });
}

function failed(message: string): MainspringError {
  return new MainspringError('build-failed', `build: ${message}`, {
    hint: 'The whole output: mainspring logs APP --build.',
  });
}

function builderFailed(fault: string): MainspringError {
  return new MainspringError('engine-failed', `build: the builder of the engine failed: ${fault}`, {
    hint: 'No step of the build caused it, so it is tried again by itself. If it stays so, look at the log of the container engine.',
    retry: 'after-interval',
  });
}
