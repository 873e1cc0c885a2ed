import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RandomHex } from './random-hex.ts';
import { requestId } from './request-id.ts';
import { traceLines } from './trace-context.ts';

const random = new RandomHex();
const PARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const NEW = /^traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-01\r\n$/;

for (const [name, headers, expected] of [
  ['a trace that comes', { traceparent: PARENT }, `traceparent: ${PARENT}\r\n`],
  [
    'a trace with its state',
    { traceparent: PARENT, tracestate: 'a=1,b=2' },
    `traceparent: ${PARENT}\r\ntracestate: a=1,b=2\r\n`,
  ],
  ['a later version', { traceparent: `cc${PARENT.slice(2)}-more` }, `traceparent: cc${PARENT.slice(2)}-more\r\n`],
] as const) {
  test(`${name} is passed on as it is`, () => assert.equal(traceLines(headers, random), expected));
}

for (const [name, traceparent] of [
  ['none', undefined],
  ['one of zeros', '00-00000000000000000000000000000000-00f067aa0ba902b7-01'],
  ['a parent of zeros', '00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01'],
  ['version ff', `ff${PARENT.slice(2)}`],
  ['upper case', PARENT.toUpperCase()],
  ['more than version 0 has', `${PARENT}-more`],
  ['a later version that goes on without a dash', `cc${PARENT.slice(2)}more`],
  ['two', `${PARENT}, ${PARENT}`],
  ['something else', 'hello'],
] as const) {
  test(`where ${name} comes as a trace, a new one begins, and no state is kept`, () =>
    assert.match(traceLines({ ...(traceparent && { traceparent }), tracestate: 'a=1' }, random), NEW));
}

test('random names do not repeat, across the filling of the pool too', () => {
  const names = new Set(Array.from({ length: 5_000 }, () => requestId(undefined, random)));
  assert.equal(names.size, 5_000);
  for (const name of names) assert.match(name, /^[0-9a-f]{20}$/);
});

for (const [given, isTaken] of [
  ['4f1c-77', true],
  ['Root=1-67891233-abcdef012345678912345678', true],
  ['x'.repeat(128), true],
  ['x'.repeat(129), false],
  ['', false],
  ['a b', false],
  ['a, b', false],
  ['a"b', false],
  ['<script>', false],
] as const) {
  test(`a request may${isTaken ? '' : ' not'} be named ${given.slice(0, 50)}`, () =>
    assert.equal(requestId(given, random) === given, isTaken));
}
