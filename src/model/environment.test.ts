import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/properties.ts';
import { branchIdentity, branchLabel, branchOf, envHost } from './environment.ts';
import type { EnvName } from './ids.ts';
import { isRoute, parseRoute, type Route } from './route.ts';

const DOMAINS = { domain: 'example.com', envDomain: 'env.example.com' };
const DNS_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const HASH = '[0-9a-f]{8}';

/** Branches whose name is a plain label are called as they are. */
for (const branch of [
  'x',
  '7',
  'feature-x',
  'release-2',
  'a'.repeat(40),
  'pr',
  'pr-x',
  'prod-1',
  'stage-2',
  'a-1234567',
  'xn-1',
]) {
  test(`branch ${branch} is its own label`, () => {
    assert.equal(branchLabel(branch), branch);
  });
}

/** All others are called by their slug and a hash: what they begin with. */
for (const [branch, slug] of [
  ['prod', 'prod'],
  ['stage', 'stage'],
  ['pr-12', 'pr-12'],
  ['pr-12-sales', 'pr-12-sales'],
  ['a--b', 'a-b'],
  ['fix-12345678', 'fix-12345678'],
  ['Feature-X', 'feature-x'],
  ['feature/x', 'feature-x'],
  ['feature_x', 'feature-x'],
  ['-x', 'x'],
  ['x-', 'x'],
  // `xn--reports.env.example.com` would be a name that browsers take for an encoded one.
  ['xn', 'xn'],
  ['a'.repeat(41), 'a'.repeat(31)],
  ['b'.repeat(250), 'b'.repeat(31)],
  ['größe', 'gr-e'],
  ['日本', 'x'],
  ['🚀', 'x'],
  ['__proto__', 'proto'],
] as const) {
  test(`branch ${branch.slice(0, 50)} is labelled ${slug} and a hash`, () => {
    assert.match(branchLabel(branch), new RegExp(`^${slug}-${HASH}$`));
  });
}

/** Names that share a slug, or of which one looks like the other's label. */
for (const [a, b] of [
  ['feature/x', 'feature-x'],
  ['feature/x', 'feature_x'],
  ['Feature/x', 'feature/x'],
  ['feature/x', branchLabel('feature/x')],
  ['b'.repeat(250), 'b'.repeat(249)],
  ['日本', '本日'],
  ['é', 'e\u0301'],
  ['prod', 'Prod'],
] as const) {
  test(`branches ${a.slice(0, 20)} and ${b.slice(0, 20)} have labels of their own`, () => {
    assert.notEqual(branchLabel(a), branchLabel(b));
  });
}

/** Names of branches that are close to each other, and any others. */
const close = fc.string({ unit: fc.constantFrom('a', 'A', '-', '/', '_', '1', 'é', '.'), minLength: 1, maxLength: 12 });
const branches = fc.oneof(
  close,
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 }),
  close.map((name) => branchLabel(name) as string),
  fc.constantFrom('prod', 'stage', 'pr-1', 'pr-1-a', 'xn'),
);

test('a label is always a DNS label of at most 40 characters, never one of prod, stage or a pull request, and holds no --', () => {
  fc.assert(
    fc.property(branches, (branch) => {
      const label = branchLabel(branch);
      assert.match(label, DNS_LABEL);
      assert.ok(label.length <= 40 && !label.includes('--') && label !== 'xn', label);
      assert.ok(label !== 'prod' && label !== 'stage', label);
      assert.ok(!/^pr-\d+(?:-|$)/.test(label) || new RegExp(`-${HASH}$`).test(label), label);
    }),
  );
});

test('two branches never share a label', () => {
  fc.assert(
    fc.property(branches, branches, (a, b) => {
      assert.equal(branchLabel(a) === branchLabel(b), a === b);
    }),
    { numRuns: 2_000 },
  );
});

test('an identity names its branch, whatever that is called', () => {
  for (const branch of ['x', 'feature/x', 'branch:x', '']) assert.equal(branchOf(branchIdentity(branch)), branch);
  assert.equal(branchOf('prod'), null);
});

function routeOf(text: string): Route {
  const route = parseRoute(text);
  if (!isRoute(route)) throw new Error(route.expected);
  return route;
}

/** Hosts of a route in an environment. */
for (const [env, route, expected] of [
  ['prod', '/sales', 'example.com'],
  ['prod', 'reports.:/', 'reports.example.com'],
  ['prod', 'wiki.other.org:/', 'wiki.other.org'],
  ['stage', '/sales', 'stage.env.example.com'],
  ['feature-x', '/', 'feature-x.env.example.com'],
  ['feature-x', 'reports.:/', 'feature-x--reports.env.example.com'],
  ['stage', 'reports.:/a', 'stage--reports.env.example.com'],
  ['x', 'a--b.:/', 'x--a--b.env.example.com'],
] as const) {
  test(`${route} in ${env} is at ${expected}`, () => {
    assert.equal(envHost(env as EnvName, routeOf(route), DOMAINS), expected);
  });
}

/** Hosts that are no plain part of a label, or too long for one. */
for (const [route, begins] of [
  ['wiki.other.org:/', 'x--wiki-other-org-'],
  ['deep.reports.:/', 'x--deep-reports-'],
  ['reports-12345678.:/', 'x--reports-12345678-'],
  [`${'r'.repeat(63)}.:/`, `x--${'r'.repeat(51)}-`],
] as const) {
  test(`${route} in an environment is named by its slug and a hash`, () => {
    assert.match(
      envHost('x' as EnvName, routeOf(route), DOMAINS),
      new RegExp(`^${begins}${HASH}\\.env\\.example\\.com$`),
    );
  });
}

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
const hosts = fc.oneof(
  fc.constant(''),
  fc.constantFrom(
    'a.',
    'a--b.',
    'b.',
    'a.b.',
    'a.b',
    'a-b.',
    'a.example.com',
    `${'a'.repeat(63)}.`,
    `${'a'.repeat(62)}.`,
  ),
  label.map((name) => `${name}.`),
  fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.')),
);
const places = fc.record({ env: fc.oneof(branches.map(branchLabel), fc.constant('stage' as EnvName)), host: hosts });

test('every host of an environment is one label below the zone, of at most 63 characters', () => {
  fc.assert(
    fc.property(places, ({ env, host }) => {
      const named = envHost(env, { host, path: '/' }, DOMAINS);
      assert.ok(named.endsWith('.env.example.com'), named);
      const first = named.slice(0, -'.env.example.com'.length);
      assert.match(first, DNS_LABEL);
      assert.ok(!first.startsWith('xn--'), first);
      // What people type has to be a URL.
      assert.equal(new URL(`https://${named}/`).hostname, named);
    }),
    { numRuns: 1_000 },
  );
});

test('two environments, or two hosts of an environment, never share a host', () => {
  fc.assert(
    fc.property(places, places, (a, b) => {
      const same = a.env === b.env && a.host === b.host;
      const [one, other] = [a, b].map(({ env, host }) => envHost(env, { host, path: '/' }, DOMAINS));
      assert.equal(one === other, same, `${one} ${other}`);
    }),
    { numRuns: 2_000 },
  );
});
