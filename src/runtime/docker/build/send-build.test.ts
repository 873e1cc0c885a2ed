import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import type { Client } from '../connection/connection.ts';
import { sendBuild } from './send-build.ts';

const LOST = 'failed to read downloaded context: failed to load cache key: context not found';

test('a build that the builder itself failed is sent again at once, with its whole context', async () => {
  const engine = answering([LOST, LOST, null]);
  await sendBuild(engine.client, context, options, engine.sending);
  assert.deepEqual(engine.contexts, ['files', 'files', 'files']);
  assert.equal(engine.said.filter((line) => line.includes('context not found; the build is sent again')).length, 2);
});

test('what the builder fails time and again is tried later, and is no fault of the app', async () => {
  const engine = answering([LOST, LOST, LOST, null]);
  await assert.rejects(sendBuild(engine.client, context, options, engine.sending), {
    code: 'engine-failed',
    retry: 'after-interval',
    message: `build: the builder of the engine failed: ${LOST}`,
  });
  assert.equal(engine.contexts.length, 3);
});

test('what the build itself fails by is not sent again', async () => {
  const engine = answering(['dockerfile parse error line 2: unknown instruction: FOO', null]);
  await assert.rejects(sendBuild(engine.client, context, options, engine.sending), {
    code: 'build-failed',
    retry: 'needs-human',
  });
  assert.equal(engine.contexts.length, 1);
});

const options = { t: 'x', dockerfile: 'Dockerfile', labels: {}, buildargs: {} };
const context = () => Readable.from(['files']);

/** An engine whose builds end with these errors, one after the other. */
function answering(errors: readonly (string | null)[]) {
  const contexts: string[] = [];
  const said: string[] = [];
  const dial = async (
    request: { readonly file: Readable },
    done: (error: Error | null, stream?: Readable) => void,
  ): Promise<void> => {
    const error = errors[contexts.length] ?? null;
    contexts.push(String((await request.file.toArray()).join('')));
    done(null, Readable.from([Buffer.from(`${JSON.stringify(error === null ? { stream: 'fine' } : { error })}\n`)]));
  };
  const client = { docker: { modem: { dial } } } as unknown as Client;
  const say = async (line: string) => void said.push(line);
  const sending = { builder: 'buildkit', say, signal: new AbortController().signal } as const;
  return { client, contexts, said, sending };
}
