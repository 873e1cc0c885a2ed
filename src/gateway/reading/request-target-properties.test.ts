import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../../test/support/properties.ts';
import { parsePath } from './request-target.ts';

const PIECE = fc.constantFrom(
  ...[
    '/',
    '/',
    '/',
    '.',
    '..',
    'a',
    'admin',
    '%2e',
    '%2E',
    '%2f',
    '%5c',
    '\\',
    '%252e',
    '%41',
    '%ff',
    '%c0%af',
    ';',
    '...',
    '%20',
    'ä',
  ],
);
const PATH = fc.array(PIECE, { maxLength: 12 }).map((pieces) => `/${pieces.join('')}`);
const MALFORMED = fc.constantFrom('%', '%4', '%zz', '%00', '%0a', '%0D', '%1f', '%7F');

test('a path that was resolved stays as it is', () => {
  fc.assert(
    fc.property(PATH, (path) => {
      const once = parsePath(path);
      if (once === undefined) return;
      assert.deepEqual(parsePath(once.sent), once);
    }),
  );
});

test('what is passed on is what RFC 3986, 5.2.4 makes of the path, byte by byte', () => {
  fc.assert(
    fc.property(PATH, (path) => {
      const sent = parsePath(path)?.sent;
      if (sent !== undefined) assert.equal(sent, removeDotSegments(withPlainDots(path), path));
    }),
  );
});

test('what decides the route is what is passed on, decoded by segment', () => {
  fc.assert(
    fc.property(PATH, (path) => {
      const target = parsePath(path);
      if (target === undefined) return;
      const decoded = target.sent.split('/').map((segment) => decodeBytes(segment).replaceAll('/', '%2F'));
      assert.equal(target.decoded, decoded.join('/'));
    }),
  );
});

test('a reader that decodes slashes and takes backslashes for them ends where the deepest reading says, or above the root', () => {
  fc.assert(
    fc.property(PATH, (path) => {
      const target = parsePath(path);
      const outer = removeDotSegments(withPlainDots(path), path);
      const inner = outer
        .split('/')
        .map((segment) => decodeBytes(segment))
        .join('/')
        .replaceAll('\\', '/');
      assert.equal(target?.deepest, climbs(inner) ? undefined : removeDotSegments(inner, inner));
    }),
  );
});

test('no reading has a dot segment left, and all begin with a slash', () => {
  fc.assert(
    fc.property(PATH, (path) => {
      for (const reading of Object.values(parsePath(path) ?? {})) {
        assert.match(reading, /^\//);
        assert.doesNotMatch(reading, /\/\.\.?(?:\/|$)/);
      }
    }),
  );
});

test('a percent-encoding that is none, or of a control character, makes any path malformed', () => {
  fc.assert(
    fc.property(PATH, MALFORMED, PATH, (before, bad, after) =>
      assert.equal(parsePath(`${before}${bad}${after}`), undefined),
    ),
  );
});

/** The algorithm of RFC 3986, 5.2.4, letter by letter; `original` is cut along with `path`, which has its dots decoded and padded. */
function removeDotSegments(path: string, original: string): string {
  let input = path;
  let from = 0;
  let output: string[] = [];
  const cut = (length: number) => {
    const taken = original.slice(from, from + length);
    input = input.slice(length);
    from += length;
    return taken;
  };
  while (input !== '') {
    const [segment = ''] = /^\/[^/]*/.exec(input) ?? [];
    const name = segment.slice(1).replaceAll('\0', '');
    const isLast = segment.length === input.length;
    if (name === '..') output = output.slice(0, -1);
    if (name !== '.' && name !== '..') output.push(cut(segment.length));
    else {
      cut(segment.length);
      if (isLast) output.push('/');
    }
  }
  return output.join('') || '/';
}

/** `%2e` as a dot with two NULs behind it, so that positions stay; only where it makes a segment of dots. */
function withPlainDots(path: string): string {
  return path.replace(/%2e/gi, '.\0\0');
}

function decodeBytes(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  }
}

function climbs(path: string): boolean {
  let depth = 0;
  for (const name of path.split('/')) {
    if (name === '..') depth -= 1;
    else if (name !== '.' && name !== '') depth += 1;
    if (depth < 0) return true;
  }
  return false;
}
