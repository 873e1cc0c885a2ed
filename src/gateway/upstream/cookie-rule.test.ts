import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cookieRule } from './cookie-rule.ts';

const ZONE = 'env.example.com';
const rule = cookieRule({ envDomain: ZONE, sharedCookies: false });

const CHANGED: readonly [string, string, string][] = [
  ['the zone itself', 'a=b; Domain=env.example.com; Path=/', 'a=b; Path=/'],
  ['a host inside the zone', 'a=b; Domain=stage.env.example.com', 'a=b'],
  ['a domain above the zone', 'a=b; Path=/; Domain=example.com; Secure', 'a=b; Path=/; Secure'],
  ['a domain far above', 'a=b; Domain=com', 'a=b'],
  ['a dot at the front', 'a=b; Domain=.example.com', 'a=b'],
  ['a dot at the end, as some hosts are spelled', 'a=b; Domain=example.com.', 'a=b'],
  ['upper case', 'a=b; DOMAIN=EXAMPLE.Com', 'a=b'],
  ['odd spacing', 'a=b ;\t domain\t =  .env.example.com \t;Path=/ ;x', 'a=b ;Path=/ ;x'],
  ['no spacing', 'a=b;domain=example.com;path=/', 'a=b;path=/'],
  ['several, all that reach', 'a=b; Domain=example.com; Path=/; Domain=env.example.com', 'a=b; Path=/'],
  ['one that reaches behind one that does not', 'a=b; Domain=x.org; Domain=example.com', 'a=b; Domain=x.org'],
  ['an empty one behind one that reaches', 'a=b; Domain=example.com; Domain=', 'a=b; Domain='],
  ['percent-encoding', 'a=b; Domain=%65xample.com', 'a=b'],
  ['a full stop of another script', utf8('a=b; Domain=example。com'), 'a=b'],
  ['wide letters', utf8('a=b; Domain=ｅxample.com'), 'a=b'],
  ['a cookie without a name', '=b; Domain=example.com', '=b'],
  ['a cookie without a value', 'a; Domain=example.com', 'a'],
  ['nothing before it', '; Domain=example.com', ''],
];
for (const [what, value, expected] of CHANGED) {
  test(`a Domain that reaches the zone is taken out: ${what}`, () => assert.equal(rule(value), expected));
}

const KEPT: readonly [string, string][] = [
  ['no attribute', 'a=b'],
  ['no Domain', 'a=b; Path=/; HttpOnly; SameSite=Lax; Expires=Wed, 21 Oct 2037 07:28:00 GMT'],
  ['a domain beside the zone', 'a=b; Domain=shop.example.com'],
  ['a domain that only ends like the zone', 'a=b; Domain=myenv.example.com'],
  ['a domain that only ends like one above', 'a=b; Domain=ample.com'],
  ['another domain', 'a=b;  Domain = other.org ; Path=/'],
  ['an empty Domain', 'a=b; Domain=; Path=/'],
  ['a Domain of dots', 'a=b; Domain=..'],
  ['a Domain without a value', 'a=b; Domain; Path=/'],
  ['a cookie named Domain', 'Domain=example.com; Path=/'],
  ['the word elsewhere', 'a=Domain=example.com; Path=/Domain=example.com; Domains=example.com; xDomain=example.com'],
  ['a Domain that is no host', 'a=b; Domain=exa mple.com'],
  ['odd bytes around', 'a=\xff\x80;; ;=; Path = / ;'],
];
for (const [what, value] of KEPT) {
  test(`a cookie stays as it is: ${what}`, () => assert.equal(rule(value), value));
}

test('where cookies may be shared nothing changes', () => {
  const shared = cookieRule({ envDomain: ZONE, sharedCookies: true });
  assert.equal(shared('a=b; Domain=example.com'), 'a=b; Domain=example.com');
});

test('a zone with letters of other scripts is recognised in its Unicode spelling', () => {
  const unicode = cookieRule({ envDomain: 'env.xn--mller-kva.example', sharedCookies: false });
  assert.equal(unicode(utf8('a=b; Domain=müller.example')), 'a=b');
});

/** Text as it arrives in a head: a character for each byte. */
function utf8(text: string): string {
  return Buffer.from(text).toString('latin1');
}
