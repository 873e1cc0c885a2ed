import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import protobuf from 'protobufjs';
import { type BuildMessage, BuildOutput } from './build-output.ts';

// As Docker Engine 20.10 says them: the step that failed, if any did, and the error that the build ended with.
for (const [name, step, error, by] of [
  [
    'a context that the builder lost',
    { name: '[internal] load remote build context', error: 'Get "http://buildkit-session…": context not found' },
    'failed to solve with frontend dockerfile.v0: failed to read downloaded context: failed to load cache key: context not found',
    'builder',
  ],
  [
    'a context that can not be unpacked',
    { name: 'copy /context /', error: 'failed to mount' },
    'failed to mount',
    'builder',
  ],
  [
    'an image that can not be written',
    { name: 'exporting to image', error: 'no such lease' },
    'no such lease',
    'builder',
  ],
  [
    'an engine that ends amid a step',
    { name: '[2/2] RUN make', error: 'context canceled' },
    'context canceled',
    'builder',
  ],
  [
    'a step that gets no network',
    { name: '[2/2] RUN make', error: 'failed to create endpoint x' },
    'executor failed running [/bin/sh -c make]: failed to create endpoint x on network bridge: could not find bridge',
    'builder',
  ],
  ['an engine that is gone', null, 'rpc error: code = Unavailable desc = transport is closing', 'builder'],
  ['a mistake in the Containerfile', null, 'dockerfile parse error line 2: unknown instruction: FOO', 'build'],
  ['a stage that is not there', null, 'failed to create LLB definition: target stage x could not be found', 'build'],
  [
    'a file that is not there',
    { name: '[2/2] COPY x /y', error: '"/x" not found: not found' },
    'failed to compute cache key: "/x" not found: not found',
    'build',
  ],
  [
    'an image that is not there',
    { name: '[internal] load metadata for nope/x:1', error: 'not found' },
    'failed to create LLB definition: not found',
    'build',
  ],
  [
    'a command that fails and prints such words',
    { name: '[2/2] RUN make', error: 'exit code: 3', printed: 'failed to read downloaded context: context canceled\n' },
    'executor failed running [/bin/sh -c make]: exit code: 3',
    'build',
  ],
  [
    'a command that holds such words',
    { name: '[2/2] RUN echo transport is closing; USER x', error: 'unable to find user x' },
    'executor failed running [/bin/sh -c echo transport is closing]: unable to find user x',
    'build',
  ],
] as const) {
  test(`the ${by} is the cause of ${name}`, () => {
    const output = new BuildOutput();
    if (step !== null) output.read(trace(step));
    const last = output.read({ errorDetail: { message: error }, error }).at(-1);
    assert.equal(last?.kind === 'failed' && last.by, by);
  });
}

test('a step of the classic builder that fails is the cause', () => {
  const output = new BuildOutput();
  output.read({ stream: 'Step 2/2 : RUN exit 7\n' });
  const error = "The command '/bin/sh -c exit 7' returned a non-zero code: 7";
  assert.deepEqual(output.read({ error }), [
    { kind: 'failed', by: 'build', message: 'step "RUN exit 7": exited with code 7' },
  ]);
});

interface Step {
  readonly name: string;
  readonly error: string;
  readonly printed?: string;
}

/** A message of BuildKit about a step that failed. */
function trace({ name, error, printed }: Step): BuildMessage {
  const path = createRequire(import.meta.url).resolve('dockerode/lib/proto/buildkit_status.proto');
  const type = protobuf.loadSync(path).lookupType('moby.buildkit.v1.StatusResponse');
  const status = {
    vertexes: [{ digest: 'sha256:1', name, error }],
    logs: printed === undefined ? [] : [{ vertex: 'sha256:1', msg: Buffer.from(printed) }],
  };
  return { id: 'moby.buildkit.trace', aux: Buffer.from(type.encode(status).finish()).toString('base64') };
}
