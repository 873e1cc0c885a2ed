import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDockerfile, rewriteDockerfile } from './dockerfile.ts';

function refsOf(text: string, args: Record<string, string> = {}): string[] {
  return parseDockerfile(text, args).uses.map(({ ref }) => ref);
}

for (const [name, text, refs] of [
  ['a plain base', 'FROM python:3.13-slim\nRUN true\n', ['python:3.13-slim']],
  ['stages of its own are no bases', 'FROM a AS One\nFROM one\nCOPY --from=ONE x y\nCOPY --from=0 x y\n', ['a']],
  ['scratch is nothing', 'FROM golang:1 AS b\nFROM scratch\nCOPY --from=b /x /x\n', ['golang:1']],
  ['images that files are copied from', 'FROM a\nCOPY --from=b:1 x y\n', ['a', 'b:1']],
  ['images that steps mount', 'FROM a\nRUN --mount=type=bind,from=c,target=/x true\n', ['a', 'c']],
  ['a platform before the name', 'FROM --platform=$BUILDPLATFORM a:1 AS x\n', ['a:1']],
  ['a front end', '# syntax=docker/dockerfile:1\nFROM a\n', ['docker/dockerfile:1', 'a']],
  ['defaults of global arguments', `ARG V=3\nFROM a:\${V}-slim\n`, ['a:3-slim']],
  ['defaults where they are used', `FROM \${BASE:-a:1}\n`, ['a:1']],
  ['what a heredoc holds is text', 'FROM a\nRUN <<EOF\nFROM b\nEOF\n', ['a']],
  ['lines that go on', 'FROM \\\n  a:2 \\\n  AS x\nRUN true\n', ['a:2']],
  ['lines of other systems', 'FROM a:1\r\nRUN true\r\n', ['a:1']],
] as const) {
  test(`images from outside: ${name}`, () => assert.deepEqual(refsOf(text), refs));
}

test('what the build is given wins over the default of an argument, and unknown ones count for nothing', () => {
  assert.deepEqual(refsOf('ARG V=3\nARG W\nFROM a:$V$W\n', { V: '4', X: '5' }), ['a:4']);
});

test('other images are put in the same places, and lines after each base', () => {
  const parsed = parseDockerfile('ARG V=1\nFROM a:$V AS b\nRUN x\nFROM b\nCOPY --from=c /x /y\n', {});
  const replaced = new Map(parsed.uses.map((use) => [use, `pinned/${use.ref.replace(':', '-')}`]));
  assert.equal(
    rewriteDockerfile(parsed, replaced, ['LABEL l="1"']),
    'ARG V=1\nFROM pinned/a-1 AS b\nLABEL l="1"\nRUN x\nFROM b\nCOPY --from=pinned/c /x /y\n',
  );
});
