import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closeOver, parseDependencies } from './debian-files.ts';

test('a dependency field is read without versions and architectures', () => {
  assert.deepEqual(parseDependencies('libc6 (>= 2.36), debconf (>= 0.5) | debconf-2.0, perl:any, '), [
    ['libc6'],
    ['debconf', 'debconf-2.0'],
    ['perl'],
  ]);
});

/** A package that is installed. */
function installed(name: string, needs: string[][], { isEssential = false, provides = [] as string[] } = {}) {
  return [name, { name, needs, isEssential, provides }] as const;
}

const machine = new Map([
  installed('bash', [['libc6']], { isEssential: true }),
  installed('libc6', [['libgcc']]),
  installed('libgcc', [['libc6']]),
  installed('mawk', [['libc6']], { provides: ['awk'] }),
  installed('tool', [['absent', 'other'], ['awk'], ['not-installed']]),
  installed('other', []),
  installed('unrelated', []),
]);

for (const [name, names, expected] of [
  ['the essential packages are always there, with what they need', [], ['bash', 'libc6', 'libgcc']],
  [
    'of alternatives the installed one is taken, of a virtual package who provides it',
    ['tool'],
    ['bash', 'libc6', 'libgcc', 'mawk', 'other', 'tool'],
  ],
  ['a package that is not installed brings nothing', ['no-such'], ['bash', 'libc6', 'libgcc']],
] as const) {
  test(name, () => assert.deepEqual(closeOver(machine, names), expected));
}
