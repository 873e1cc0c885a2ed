import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRequest } from '../../../test/corpus/strict/request.ts';
import { fc } from '../../../test/support/properties.ts';
import type { RequestBody } from '../reading/request-body.ts';
import { answerLines } from './answer-headers.ts';
import { upstreamHead } from './forward-headers.ts';

const PLAIN = ['Accept', 'Cookie', 'X-One', 'x-two', 'X_Three', 'Content-Type', 'Authorization', '__proto__'];
const DROPPED = [
  ...[
    'Connection',
    'Keep-Alive',
    'TE',
    'Transfer-Encoding',
    'Content-Length',
    'Host',
    'Upgrade',
    'Expect',
    'Proxy-Connection',
  ],
  ...[
    'X-Forwarded-For',
    'X_Forwarded_Host',
    'Forwarded',
    'X-Real-IP',
    'Remote-User',
    'remote_user',
    'X-Mainspring-Peer',
  ],
  ...['X-Auth-Request-Email', 'HTTP2-Settings', 'Trailer', 'X-Original-URL'],
];
const caseOf = (name: string) => fc.constantFrom(name, name.toLowerCase(), name.toUpperCase());
const VALUE = fc.string({ unit: fc.constantFrom(...'abc ,;="\xe4\t'), maxLength: 8 }).map((value) => value.trim());
const FIELD = fc.tuple(fc.constantFrom(...PLAIN, ...DROPPED).chain(caseOf), VALUE);
const NAMED = fc.subarray(['X-One', 'x-two', 'close', 'Cookie', 'host', '']);
const BODY = fc.constantFrom<RequestBody>({ kind: 'none' }, { kind: 'chunked' }, { kind: 'length', length: '3' });
const PEER = {
  address: '1.2.3.4',
  forwardedFor: '1.2.3.4',
  proto: 'http',
  host: 'a',
  forwarded: 'for=1.2.3.4',
} as const;
const OURS = ['host', 'via', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-real-ip', 'forwarded'];

test('an upstream is sent every field byte for byte and in order, but for those that are dropped or named; one Host, one framing', () => {
  fc.assert(
    fc.property(fc.array(FIELD, { maxLength: 20 }), NAMED, BODY, (fields, named, body) => {
      const sent = [
        ...fields.filter(([name]) => name.toLowerCase() !== 'connection'),
        ['Connection', named.join(', ')],
      ];
      const options = { method: 'POST', httpVersion: '1.1', path: '/p', host: 'a', peer: PEER, prefix: '', body };
      const head = upstreamHead({ ...options, rawHeaders: sent.flat() });
      const content = { none: '', chunked: '3\r\nabc\r\n0\r\n\r\n', length: 'abc' }[body.kind];
      const read = readRequest(head + content);
      assert.ok(read.end === head.length + content.length, 'the request ends where its body does');
      const isOurs = (name: string) =>
        OURS.includes(name) || /^(?:content-length|transfer-encoding|trailer)$/.test(name);
      const dropped = new Set(DROPPED.map(plain));
      const expected = fields
        .filter(([name]) => !dropped.has(plain(name)) && !named.some((one) => one.toLowerCase() === name.toLowerCase()))
        .map(([name, value]) => [name.toLowerCase(), value]);
      assert.deepEqual(
        read.fields.filter(([name]) => !isOurs(name)),
        expected,
      );
      assert.equal(read.fields.filter(([name]) => name === 'host').length, 1);
      assert.equal(read.fields.filter(([name]) => name === 'connection').length, 0);
      assert.equal(read.body, body.kind === 'none' ? '' : 'abc');
    }),
  );
});

const ANSWER_HOP = ['Connection', 'Keep-Alive', 'Transfer-Encoding', 'Upgrade', 'Proxy-Connection'];
const ANSWER_FIELD = fc.tuple(
  fc.constantFrom('X-One', 'x-two', 'Set-Cookie', 'ETag', 'Vary', 'Date', ...ANSWER_HOP).chain(caseOf),
  VALUE,
);

test('a client gets every field byte for byte and in order, but for those of one hop or named, and at least one date', () => {
  const rewrite = {
    location: (value: string) => value,
    refresh: (value: string) => value,
    cookie: (value: string) => value,
    noindex: false,
  };
  fc.assert(
    fc.property(fc.array(ANSWER_FIELD, { maxLength: 20 }), NAMED, (fields, named) => {
      const sent = [...fields.filter(([name]) => name.toLowerCase() !== 'connection'), ['connection', named.join(',')]];
      const lines = answerLines(sent.flat(), rewrite, 'neither').split('\r\n').slice(0, -1);
      const hop = new Set(ANSWER_HOP.map((name) => name.toLowerCase()));
      const expected = fields
        .filter(
          ([name]) => !hop.has(name.toLowerCase()) && !named.some((one) => one.toLowerCase() === name.toLowerCase()),
        )
        .map(([name, value]) => `${name}: ${value}`);
      const hasDate = expected.some((line) => /^date:/i.test(line));
      assert.deepEqual(hasDate ? lines : lines.slice(0, -1), expected);
      if (!hasDate) assert.match(lines.at(-1) ?? '', /^Date: \w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT$/);
    }),
  );
});

function plain(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}
