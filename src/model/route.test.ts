import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatRoute, isRoute, isUnder, parseRoute, prodHost } from './route.ts';

for (const [text, host, path] of [
  ['/', '', '/'],
  ['/tools/sales', '', '/tools/sales'],
  ['wiki.example.com:/', 'wiki.example.com', '/'],
  ['WIKI.Example.COM:/Docs', 'wiki.example.com', '/Docs'],
  ['reports.:/', 'reports.', '/'],
  ['a.b.:/x', 'a.b.', '/x'],
  ['127.0.0.1:/x', '127.0.0.1', '/x'],
  ["/~user/a_b-c.d!$&'()*+,;=@", '', "/~user/a_b-c.d!$&'()*+,;=@"],
  ['/_mainspringy', '', '/_mainspringy'],
  ['/a/_mainspring', '', '/a/_mainspring'],
  ['/...', '', '/...'],
  [`${'a'.repeat(63)}.example.com:/`, `${'a'.repeat(63)}.example.com`, '/'],
] as const) {
  test(`"${text}" is a route, and is written the way it is read`, () => {
    const route = parseRoute(text);
    assert.deepEqual(route, { host, path });
    assert.deepEqual(parseRoute(formatRoute({ host, path })), { host, path });
  });
}

for (const [name, text, expected] of [
  ['nothing', '', /starts with "\/"/],
  ['no slash at the front', 'tools', /starts with "\/"/],
  ['a slash at the end', '/tools/', /slash at the end/],
  ['an empty segment', '/a//b', /empty segments/],
  ['two slashes', '//', /empty segments/],
  ['a dot', '/a/./b', /"\." and "\.\." are not allowed/],
  ['two dots', '/a/..', /"\." and "\.\." are not allowed/],
  ['two dots at the front', '/../etc', /"\." and "\.\." are not allowed/],
  ['percent-encoding', '/a%2e%2e', /percent-encoded/],
  ['a space', '/a b', /letters, digits/],
  ['a question mark', '/a?b', /letters, digits/],
  ['a backslash', '/a\\b', /letters, digits/],
  ['a letter that is not ASCII', '/größe', /letters, digits/],
  ['a line break', '/a\n', /letters, digits/],
  ['a colon in a segment', 'h:/a:b', /letters, digits/],
  ['the reserved prefix', '/_mainspring', /reserved/],
  ['a path below the reserved prefix', 'wiki.example.com:/_mainspring/healthz', /reserved/],
  ['no host before the colon', ':/x', /host name/],
  ['only a dot before the colon', '.:/x', /host name/],
  ['an underscore in a host', 'a_b:/x', /host name/],
  ['a label that starts with a hyphen', '-a.example.com:/', /host name/],
  ['a label that ends with a hyphen', 'a-.example.com:/', /host name/],
  ['a label of 64 characters', `${'a'.repeat(64)}.example.com:/`, /host name/],
  ['a host of more than 253 characters', `${'a.'.repeat(130)}com:/`, /host name/],
  ['two dots in a host', 'a..b:/', /host name/],
  ['a wildcard', '*.example.com:/', /host name/],
  ['a URL', 'https://example.com/x', /empty segments/],
  ['a port', 'localhost:8080/x', /starts with "\/"/],
] as const) {
  test(`a route with ${name} is refused`, () => {
    const parsed = parseRoute(text);
    assert.ok(!isRoute(parsed), JSON.stringify(parsed));
    assert.match(parsed.expected, expected);
  });
}

for (const [text, host] of [
  ['/x', 'example.com'],
  ['reports.:/', 'reports.example.com'],
  ['a.b.:/', 'a.b.example.com'],
  ['wiki.other.org:/', 'wiki.other.org'],
] as const) {
  test(`"${text}" is served in production at ${host}`, () => {
    const route = parseRoute(text);
    assert.equal(isRoute(route) && prodHost(route, 'example.com'), host);
  });
}

for (const [path, prefix, expected] of [
  ['/test', '/test', true],
  ['/test/a', '/test', true],
  ['/te', '/test', false],
  ['/tests', '/test', false],
  ['/', '/test', false],
  ['/test', '/', true],
  ['/', '/', true],
  ['/Test', '/test', false],
] as const) {
  test(`${path} is ${expected ? '' : 'not '}at or below ${prefix}`, () =>
    assert.equal(isUnder(path, prefix), expected));
}
