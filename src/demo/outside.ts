import { get } from 'node:http';
import { MainspringError } from '../model/errors.ts';

/** What a request from outside got. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Asks for a path of an app as a browser would, each time on a new connection. Rejects where nobody answers. */
export function ask(url: string, path: string): Promise<Answer> {
  const { port, host } = new URL(url);
  return new Promise((resolve, reject) => {
    // By address: whether this machine knows "localhost" is not what is looked at.
    const options = { host: '127.0.0.1', port, path, headers: { host }, agent: false, timeout: 10_000 };
    const request = get(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error(`no answer to ${path} within 10 s`)));
    request.on('error', reject);
  });
}

/** How a change was seen from outside. */
export interface Seen {
  /** From the start of the change to the first answer that shows it. */
  readonly ms: number;
  /** Requests that were answered meanwhile, all of them with 200 where that is asked for. */
  readonly requests: number;
}

/** What is asked for, and for how long at most. */
export interface Watched {
  readonly url: string;
  readonly path: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** It need not be there all the time: a preview before it is made, or after it is gone. */
  readonly mayBeGone?: boolean;
}

/**
 * Makes a change and asks all the while until an answer shows it. Throws when the change fails, when one request is not
 * answered with 200 that should be, when the time is over, and when `signal` aborts.
 */
export async function watchChange(
  { url, path, timeoutMs, signal, mayBeGone = false }: Watched,
  change: () => Promise<unknown>,
  isChanged: (answer: Answer) => boolean,
): Promise<Seen> {
  const startedAt = performance.now();
  let failure: unknown = null;
  const changing = change().catch((error: unknown) => {
    failure = error;
  });
  for (let requests = 1; performance.now() - startedAt < timeoutMs; requests += 1) {
    const answer = await ask(url, path);
    const { status } = answer;
    signal.throwIfAborted();
    if (failure !== null) throw failure;
    if (status !== 200 && !mayBeGone)
      throw new MainspringError('unexpected', `demo: ${path} was answered with ${status}`);
    if (!isChanged(answer)) continue;
    const ms = Math.round(performance.now() - startedAt);
    await changing;
    return { ms, requests };
  }
  throw new MainspringError('timed-out', `demo: what was pushed did not show at ${path} in time`);
}
