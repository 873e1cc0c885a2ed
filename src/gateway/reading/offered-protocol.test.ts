import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOffered } from './offered-protocol.ts';

for (const [name, headers, offer, expected] of [
  ['the protocol that was offered', ['Upgrade', 'websocket'], 'WebSocket', true],
  ['one of several', ['X', 'upgrade', 'upgrade', 'two'], 'one/1, two', true],
  ['several in their order', ['Upgrade', 'one/1, two'], 'one/1,two', true],
  ['another protocol', ['Upgrade', 'other'], 'websocket', false],
  ['another version', ['Upgrade', 'one/2'], 'one/1', false],
  ['another beside the one', ['Upgrade', 'one', 'Upgrade', 'other'], 'one', false],
  ['none at all', ['Connection', 'Upgrade'], 'one', false],
] as const) {
  test(`a 101 to ${name} ${expected ? 'is what was offered' : 'is refused'}`, () =>
    assert.equal(isOffered({ headers }, offer), expected));
}
