import { type AnswerCase, type AnswerOutcome, badGateway, type Topic } from '../case.ts';

const SPLIT = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nevil!';
const CLOSING = 'GET /case HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

const whole = (body: string, more: Partial<AnswerOutcome> = {}): AnswerOutcome => ({ status: 200, body, ...more });
const cutAt = (body: string): AnswerOutcome => ({ status: 200, body, isCut: true, endsUpstream: true });

const cases: readonly AnswerCase[] = [
  {
    name: 'A body of the length that is said reaches the client with it',
    clauses: ['9110/8.6 wrong length', '9112/9.2 order'],
    sends: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
    is: whole('hello', { fields: { 'content-length': '5' } }),
  },
  {
    name: 'A chunked body reaches the client as content',
    clauses: ['9112/6.1 chunked', '9112/7.1 decode'],
    sends: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n\r\n',
    is: whole('hello!'),
  },
  {
    name: 'A chunked body to a client of HTTP/1.0 has no coding',
    clauses: ['9112/6.1 not to HTTP/1.0'],
    request: 'GET /case HTTP/1.0\r\nHost: a\r\n\r\n',
    sends: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    is: whole('hello', { fields: { 'transfer-encoding': null } }),
  },
  {
    name: 'A chunked body with trailers to a client of HTTP/1.0 has neither coding nor trailers',
    clauses: ['9112/6.1 not to HTTP/1.0', '9112/7.1.2 trailers'],
    request: 'GET /case HTTP/1.0\r\nHost: a\r\n\r\n',
    sends: 'HTTP/1.1 200 OK\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n',
    is: whole('hello', { fields: { 'transfer-encoding': null, x: null }, trailers: { x: null } }),
  },
  {
    name: 'A body that ends with the connection to a client of HTTP/1.0 has no coding',
    clauses: ['9112/6.1 not to HTTP/1.0'],
    request: 'GET /case HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n',
    sends: ['HTTP/1.1 200 OK\r\n\r\nhel', 'lo'],
    ending: 'close',
    is: whole('hello', { fields: { 'transfer-encoding': null } }),
  },
  {
    name: 'A body that ends with the connection is whole',
    clauses: ['9112/9.6 close from the server'],
    sends: ['HTTP/1.1 200 OK\r\n\r\nhel', 'lo'],
    ending: 'close',
    is: whole('hello', { endsUpstream: true }),
  },
  {
    name: 'A body of HTTP/1.0 that ends with the connection is whole',
    clauses: ['9112/2.3 own version'],
    sends: 'HTTP/1.0 200 OK\r\n\r\nhello',
    ending: 'close',
    is: whole('hello', { endsUpstream: true }),
  },
  {
    name: 'A body that is shorter than its length is cut for the client too',
    clauses: ['9112/6.3 incomplete', '9112/8 incomplete answer'],
    sends: 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello',
    ending: 'close',
    is: cutAt('hello'),
  },
  {
    name: 'A body that is reset before its length is cut for the client too',
    clauses: ['9112/6.3 incomplete', '9112/8 incomplete answer'],
    sends: ['HTTP/1.1 200 OK\r\nContent-Length: 10\r\nX: y\r\n\r\n', 'hello'],
    ending: 'reset',
    is: cutAt('hello'),
  },
  {
    name: 'A chunked body without a last chunk is cut for the client too',
    clauses: ['9112/8 incomplete answer', '9112/7.1 decode'],
    sends: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
    ending: 'close',
    is: cutAt('hello'),
  },
  {
    name: 'A chunked body that ends inside a chunk is cut for the client too',
    clauses: ['9112/8 incomplete answer'],
    sends: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello',
    ending: 'close',
    is: cutAt('hello'),
  },
  {
    name: 'A chunked body that ends behind its last size is cut for the client too',
    clauses: ['9112/8 incomplete answer'],
    sends: ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', '0\r\n'],
    ending: 'close',
    is: cutAt('hello'),
    or: [whole('hello')],
  },
  {
    name: 'A cut chunked body is cut for a client that closes anyway',
    clauses: ['9112/8 incomplete answer', '9112/9.6 close received'],
    request: CLOSING,
    sends: ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n', '5\r\nhel'],
    ending: 'reset',
    is: cutAt('hel'),
  },
  ...(
    [
      ['with a sign', '+5'],
      ['with a prefix', '0x5'],
      ['with a space before', ' 5'],
      ['that is no number', 'xyz'],
      ['that is empty', ''],
      ['beyond 64 bits', '10000000000000005'],
      ['with a NUL', '5\x00'],
      ['with an extension that lacks its semicolon', '5 x'],
      ['with a bare CR', '5;\rx'],
    ] as const
  ).map(
    ([what, size]): AnswerCase => ({
      name: `A chunk size ${what} cuts the answer`,
      clauses: ['9112/7.1 decode', '9112/7.1 sizes', '9112/8 incomplete answer'],
      sends: [`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n`, `${size}\r\nhello\r\n0\r\n\r\n`],
      is: cutAt('a'),
      or: [badGateway, ...(size.startsWith('5;') ? [whole('ahello')] : [])],
    }),
  ),
  {
    name: 'A chunk that is longer than its size cuts the answer',
    clauses: ['9112/7.1 decode', '9112/8 incomplete answer'],
    sends: ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', `2\r\nhello\r\n0\r\n\r\n`],
    is: cutAt('he'),
    or: [badGateway],
  },
  {
    name: 'A chunk size that ends in LF alone cuts the answer',
    clauses: ['9112/7.1 decode'],
    sends: ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n', '5\nhello\r\n0\r\n\r\n'],
    is: cutAt('a'),
    or: [badGateway],
  },
  {
    name: 'Extensions without end cut the answer',
    clauses: ['9112/7.1.1 extensions'],
    sends: [
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n',
      `5;${'x'.repeat(50_000)}`,
      'x'.repeat(50_000),
    ],
    is: cutAt('a'),
    or: [badGateway],
  },
  {
    name: 'An extension is not passed on with the answer',
    clauses: ['9112/7.1.1 extensions'],
    sends: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a="b\\"c"\r\nhello\r\n0;d\r\n\r\n',
    is: whole('hello'),
  },
  {
    name: 'A trailer reaches the client as a trailer or not at all',
    clauses: ['9112/7.1.2 trailers'],
    sends: 'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 9\r\n\r\n',
    is: whole('hello', { fields: { 'x-sum': null }, trailers: { 'x-sum': '9' } }),
    or: [whole('hello', { fields: { 'x-sum': null } })],
  },
  {
    name: 'Trailers that set framing, cookies or a location go nowhere',
    clauses: ['9112/7.1.2 trailers', '9112/6.1 both'],
    sends:
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nContent-Length: 3\r\nTransfer-Encoding: x\r\nSet-Cookie: a=b\r\nLocation: //evil\r\n\r\n',
    is: whole('hello', {
      fields: { 'set-cookie': null, location: null, 'content-length': null },
      trailers: { 'content-length': null, 'transfer-encoding': null, 'set-cookie': null, location: null },
    }),
    or: [
      whole('hello', { fields: { 'set-cookie': null, location: null, 'content-length': null } }),
      cutAt('hello'),
      badGateway,
    ],
  },
  {
    name: 'A trailer that is malformed cuts the answer',
    clauses: ['9110/5.5 CR, LF, NUL', '9112/8 incomplete answer'],
    sends: ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', '0\r\nX: a\x00b\r\n\r\n'],
    is: cutAt('hello'),
    or: [whole('hello')],
  },
  {
    name: 'Trailers without end cut the answer',
    clauses: ['9110/5.4 large fields'],
    sends: [
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
      `0\r\n${'X: y\r\n'.repeat(40_000)}\r\n`,
    ],
    is: cutAt('hello'),
    or: [whole('hello')],
  },
  ...(
    [
      ['a second answer', SPLIT, 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'],
      [
        'an answer behind a chunked one',
        SPLIT,
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
      ],
      ['garbage', 'xyz', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello'],
      ['one byte', '!', 'HTTP/1.1 200 OK\r\nServer: z\r\nContent-Length: 5\r\n\r\nhello'],
    ] as const
  ).flatMap(([what, extra, answer]): AnswerCase[] => [
    {
      name: `Bytes behind the end, ${what}, in the same write are nobody's answer`,
      clauses: ['9112/6.3 extra data', '9112/9.2 unasked', '9112/9.2 order'],
      sends: answer + extra,
      is: whole('hello', { endsUpstream: true }),
      or: [badGateway, cutAt('hello')],
    },
    {
      name: `Bytes behind the end, ${what}, in a later write are nobody's answer`,
      clauses: ['9112/6.3 extra data', '9112/9.2 unasked', '9112/9.2 order'],
      sends: [answer, extra],
      is: whole('hello'),
    },
  ]),
  {
    name: 'Content in answer to HEAD is none, and nobody else gets it',
    clauses: ['9110/9.3.2 HEAD', '9112/6.3 extra data'],
    request: 'HEAD /case HTTP/1.1\r\nHost: a\r\n\r\n',
    sends: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
    is: whole('', { fields: { 'content-length': '5' }, endsUpstream: true }),
    or: [badGateway],
  },
  {
    name: 'An answer that is split behind HEAD is nobody’s',
    clauses: ['9110/9.3.2 HEAD', '9112/6.3 extra data', '9112/9.2 unasked'],
    request: 'HEAD /case HTTP/1.1\r\nHost: a\r\n\r\n',
    sends: `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SPLIT}`,
    is: whole('', { endsUpstream: true }),
    or: [badGateway],
  },
  {
    name: 'HEAD gets the length that GET would',
    clauses: ['9110/9.3.2 HEAD', '9110/8.6 wrong length'],
    request: 'HEAD /case HTTP/1.1\r\nHost: a\r\n\r\n',
    sends: 'HTTP/1.1 200 OK\r\nContent-Length: 123456\r\n\r\n',
    is: whole('', { fields: { 'content-length': '123456' } }),
  },
  {
    name: 'Content behind a 204 is nobody’s',
    clauses: ['9112/6.3 extra data', '9110/8.6 not on 1xx and 204'],
    sends: 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello',
    is: { status: 204, body: '', fields: { 'content-length': null }, endsUpstream: true },
    or: [badGateway],
  },
  {
    name: 'A length of zero on a 204 goes',
    clauses: ['9110/8.6 not on 1xx and 204'],
    sends: 'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n',
    is: { status: 204, body: '', fields: { 'content-length': null } },
    or: [badGateway],
  },
  {
    name: 'A coding on a 204 goes',
    clauses: ['9112/6.1 not on 1xx and 204'],
    sends: 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n',
    is: { status: 204, body: '', fields: { 'transfer-encoding': null } },
    or: [badGateway],
  },
  {
    name: 'A coding on a 204 with chunks behind it is nobody’s',
    clauses: ['9112/6.1 not on 1xx and 204', '9112/6.3 extra data'],
    sends: 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    is: { status: 204, body: '', fields: { 'transfer-encoding': null }, endsUpstream: true },
    or: [badGateway],
  },
  {
    name: 'Content behind a 304 is nobody’s',
    clauses: ['9112/6.3 extra data', '9112/9.2 unasked'],
    sends: `HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: "x"\r\n\r\nhello`,
    is: { status: 304, body: '', fields: { etag: '"x"' }, endsUpstream: true },
    or: [badGateway],
  },
  {
    name: 'A 304 may say the length that a 200 would have',
    clauses: ['9110/8.6 wrong length'],
    sends: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n',
    is: { status: 304, body: '' },
  },
  {
    name: 'A 205 with a length of zero is one',
    clauses: ['9112/9.2 order'],
    sends: 'HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n',
    is: { status: 205, body: '' },
  },
  {
    name: 'A connection that the upstream says it closes is not used again',
    clauses: ['9112/9.6 close from the server'],
    sends: 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello',
    is: whole('hello', { endsUpstream: true }),
  },
  {
    name: 'A connection that the upstream says it closes among other words is not used again',
    clauses: ['9112/9.6 close from the server', '9110/7.6.1 Connection'],
    sends: 'HTTP/1.1 200 OK\r\nConnection: X-Up ,CLOSE\r\nX-Up: 1\r\nContent-Length: 5\r\n\r\nhello',
    is: whole('hello', { endsUpstream: true, fields: { 'x-up': null } }),
  },
  {
    name: 'A connection that the upstream closes though it says it keeps it is not used again',
    clauses: ['9112/9.6 close from the server'],
    sends: 'HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello',
    ending: 'close',
    is: whole('hello', { endsUpstream: true }),
  },
];

export const bodies: Topic<AnswerCase> = { topic: 'answers: bodies', cases };
