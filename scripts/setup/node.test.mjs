import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkIntegrity } from './fetch.mjs';
import { runsMainspring } from './node.mjs';

for (const [version, expected] of [
  ['v18.20.8', false],
  ['v20.20.2', false],
  ['v22.21.1', false],
  ['v22.22.0', true],
  ['v22.23.3', true],
  ['v23.11.1', false],
  ['v24.0.0', true],
  ['v26.10.0', true],
  ['', false],
]) {
  test(`Node ${version || 'that does not start'} is ${expected ? 'good enough' : 'not used'}`, () => {
    assert.equal(runsMainspring(version), expected);
  });
}

test('a tarball that is not the pinned one is refused', () => {
  const hello = 'sha512-m3HSJL1i83hdltRq0+o9czGb+8KJDKra4t/3JRlnPKcjI8PZm6XBHXx6zG4UuMXaDEZjR1wuXDre9G9zvN7AQw==';
  checkIntegrity(Buffer.from('hello'), { spec: 'x@1.0.0', integrity: hello });
  assert.throws(
    () => checkIntegrity(Buffer.from('other'), { spec: 'x@1.0.0', integrity: hello }),
    /x@1\.0\.0 is not what/,
  );
});
