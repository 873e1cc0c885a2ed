import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatProcfileFault, shellLine, webCommand } from './procfile.ts';

function web(text: string): string {
  const found = webCommand(text);
  return 'command' in found ? found.command : formatProcfileFault(found);
}

for (const [name, text, expected] of [
  ['the web line is the command', 'web: node server.js\nworker: node w.js\n', 'node server.js'],
  ['comments, empty lines and Windows line ends are skipped', '# a\r\n\r\nweb:  npm start \r\n', 'npm start'],
  ['a colon in the command stays', 'web: ./run --bind 127.0.0.1:$PORT', './run --bind 127.0.0.1:$PORT'],
  [
    'a line that is none names its number',
    '\nnode server.js',
    'Procfile:2: expected "type: command", such as "web: node server.js"',
  ],
  ['a type without a command names its number', 'web:', 'Procfile:1: expected a command after "web:"'],
  ['web twice names the second', 'web: a\nweb: b', 'Procfile:2: "web" is there twice'],
  ['no web names what there is', 'worker: a', 'Procfile: expected a line "web: command", found only "worker"'],
  ['an empty file says so', '', 'Procfile: expected a line "web: command", found no process at all'],
] as const) {
  test(name, () => assert.equal(web(text), expected));
}

for (const [command, line] of [
  ['node server.js --port $PORT', 'exec node server.js --port $PORT'],
  ['A=1 B=2 node server.js', 'exec env A=1 B=2 node server.js'],
  ['cd app && node server.js', 'cd app && node server.js'],
  ['exec ./server', 'exec ./server'],
  ['./server > log', './server > log'],
] as const) {
  test(`the shell runs ${command} as it should`, () => assert.equal(shellLine(command), line));
}
