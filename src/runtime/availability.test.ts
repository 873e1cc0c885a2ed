import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engineAvailability } from './availability.ts';

const THERE = { problem: () => null };

function codes(process: 'off' | 'prod' | 'all') {
  const available = engineAvailability(
    { engines: { process, docker: 'auto', onExit: 'keep', builds: null, memoryPressure: null } },
    THERE,
  );
  return (['prod', 'stage', 'preview'] as const).map((kind) => available('process', kind)?.code ?? 'yes');
}

test('process apps are off unless the settings allow them', () => {
  assert.deepEqual(codes('off'), ['engine-off', 'engine-off', 'engine-off']);
});

test('"prod" allows what the followed branch holds, but no previews', () => {
  assert.deepEqual(codes('prod'), ['yes', 'yes', 'engine-off']);
});

test('"all" allows previews too', () => {
  assert.deepEqual(codes('all'), ['yes', 'yes', 'yes']);
});

test('the hint names the setting and says that there is no isolation', () => {
  const available = engineAvailability(
    { engines: { process: 'off', docker: 'auto', onExit: 'keep', builds: null, memoryPressure: null } },
    THERE,
  );
  assert.match(available('process', 'prod')?.hint ?? '', /\[engines\] process.*no isolation/);
});

test('static and proxy apps are always there', () => {
  const available = engineAvailability(
    { engines: { process: 'off', docker: 'off', onExit: 'keep', builds: null, memoryPressure: null } },
    THERE,
  );
  assert.deepEqual([available('static', 'prod'), available('proxy', 'preview')], [null, null]);
});

test("containers can be used where there is an engine, and the reason why not is the engine's", () => {
  const settings = {
    engines: { process: 'off', docker: 'auto', onExit: 'keep', builds: null, memoryPressure: null },
  } as const;
  const none = { code: 'engine-off', message: 'no socket', hint: null, retry: 'needs-human' } as const;
  const answers = [THERE, { problem: () => none }].map((docker) =>
    engineAvailability(settings, docker)('docker', 'prod'),
  );
  assert.deepEqual(answers, [null, none]);
});
