import assert from 'node:assert/strict';
import { test } from 'node:test';
import { undo, withTables } from './firewall.ts';

const saved = `# Generated
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [12:34]
:DOCKER - [0:0]
-A FORWARD -o ms-x -j DOCKER
COMMIT
*nat
-A POSTROUTING -s 10.137.0.0/24 -m comment --comment "one of ours" -j MASQUERADE
COMMIT
`;

test('what iptables-save prints is read line by line with its table, without counters', () => {
  assert.deepEqual(withTables(saved), [
    'filter :INPUT ACCEPT',
    'filter :FORWARD DROP',
    'filter :DOCKER -',
    'filter -A FORWARD -o ms-x -j DOCKER',
    'nat -A POSTROUTING -s 10.137.0.0/24 -m comment --comment "one of ours" -j MASQUERADE',
  ]);
});

test('rules are taken back before the chains they lead to, and a policy is as it was', () => {
  const commands = undo(withTables(saved).slice(1), new Set(['filter :FORWARD ACCEPT']));
  assert.deepEqual(
    commands.map((args) => args.slice(1).join('|')),
    [
      '-t|filter|-D|FORWARD|-o|ms-x|-j|DOCKER',
      '-t|nat|-D|POSTROUTING|-s|10.137.0.0/24|-m|comment|--comment|one of ours|-j|MASQUERADE',
      '-t|filter|-F|DOCKER',
      '-t|filter|-X|DOCKER',
      '-t|filter|-P|FORWARD|ACCEPT',
    ],
  );
});
