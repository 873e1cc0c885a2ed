import { type AnswerCase, type AnswerOutcome, badGateway, type Topic } from '../case.ts';

const DATE = 'Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n';
const whole = (fields: AnswerOutcome['fields'] = {}): AnswerOutcome => ({ status: 200, body: 'hello', fields });
const answer = (lines: string) => `HTTP/1.1 200 OK\r\n${lines}Content-Length: 5\r\n\r\nhello`;

const framing: readonly AnswerCase[] = (
  [
    ['two different lengths', 'Content-Length: 5\r\nContent-Length: 4'],
    ['two equal lengths', 'Content-Length: 5\r\nX: y\r\nContent-Length: 5'],
    ['a list of lengths', 'Content-Length: 5, 5'],
    ['a list of different lengths', 'Content-Length: 5, 4'],
    ['an empty length', 'Content-Length:'],
    ['a signed length', 'Content-Length: +5'],
    ['a negative length', 'Content-Length: -5'],
    ['a hexadecimal length', 'Content-Length: 0x5'],
    ['a length with words', 'Content-Length: 5 bytes'],
    ['a length beyond 64 bits', 'Content-Length: 18446744073709551621'],
    ['a length and a coding', 'Content-Length: 5\r\nTransfer-Encoding: chunked'],
    ['a coding and a length', 'Transfer-Encoding: chunked\r\nContent-Length: 5'],
    ['a coding that is not chunked', 'Transfer-Encoding: gzip'],
    ['a coding before chunked', 'Transfer-Encoding: gzip, chunked'],
    ['a coding behind chunked', 'Transfer-Encoding: chunked, gzip'],
    ['identity', 'Transfer-Encoding: identity'],
    ['twice the coding', 'Transfer-Encoding: chunked, chunked'],
    ['two lines of codings', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked'],
    ['a coding with a parameter', 'Transfer-Encoding: chunked;x=1'],
    ['a coding with a vertical tab', 'Transfer-Encoding: \x0bchunked'],
    ['a length with a space before its colon', 'Content-Length : 5'],
    ['a folded length', 'Content-Length:\r\n 5'],
    ['a coding behind a bare LF', 'X: y\nTransfer-Encoding: chunked\r\nContent-Length: 5'],
    ['a coding behind a bare CR', 'X: y\rTransfer-Encoding: chunked\r\nContent-Length: 5'],
  ] as const
).map(
  ([what, lines]): AnswerCase => ({
    name: `An answer with ${what} is not passed on`,
    clauses: [lines.includes('Transfer') ? '9112/6.3 remove the length' : '9112/6.3 length of an answer'],
    sends: `HTTP/1.1 200 OK\r\n${lines}\r\n\r\nhello`,
    ending: 'close',
    is: badGateway,
    ...(/equal|list of lengths/.test(what) || lines.includes('fold') ? { or: [whole()] } : {}),
    ...(lines.startsWith('Content-Length :') || lines.includes('\r\n ') ? { or: [whole()] } : {}),
    ...(/^X: y/.test(lines) ? { or: [whole()] } : {}),
    ...(/gzip$|identity$/.test(lines) && !lines.includes(',')
      ? { or: [{ status: 200, body: 'hello', endsUpstream: true as const }] }
      : {}),
  }),
);

const lines: readonly AnswerCase[] = (
  [
    ['of HTTP/2', 'HTTP/2 200 OK'],
    ['of HTTP/2.0', 'HTTP/2.0 200 OK'],
    ['of another protocol', 'ICY 200 OK'],
    ['in lower case', 'http/1.1 200 OK'],
    ['without a status', 'HTTP/1.1 OK'],
    ['with a status of two digits', 'HTTP/1.1 20 OK'],
    ['with a status of four digits', 'HTTP/1.1 2000 OK'],
    ['with a status of zero', 'HTTP/1.1 000 OK'],
    ['with a status of no class', 'HTTP/1.1 999 OK'],
    ['with a negative status', 'HTTP/1.1 -200 OK'],
    ['with a space before the status', 'HTTP/1.1  200 OK'],
    ['with a NUL in the reason', 'HTTP/1.1 200 O\x00K'],
    ['with a bare CR in the reason', 'HTTP/1.1 200 O\rSet-Cookie: a=b'],
    ['with a bare LF in the reason', 'HTTP/1.1 200 OK\nSet-Cookie: a=b'],
    ['with words for a status', 'Hello there'],
    ['that is empty', ''],
    ['that is a request', 'GET / HTTP/1.1'],
  ] as const
).map(
  ([what, line]): AnswerCase => ({
    name: `A status line ${what} is not passed on`,
    clauses: ['9112/2.3 own version', ...(line.includes('\r') ? (['9112/2.2 bare CR'] as const) : [])],
    sends: `${line}\r\nContent-Length: 5\r\n\r\nhello`,
    ending: 'close',
    is: badGateway,
    ...(/bare LF|no class/.test(what)
      ? { or: [{ status: what.includes('class') ? 999 : 200, body: 'hello', endsUpstream: true as const }] }
      : {}),
  }),
);

const fieldLines: readonly AnswerCase[] = (
  [
    ['a NUL in a value', 'X: a\x00b', '9110/5.5 CR, LF, NUL'],
    ['a bare CR in a value', 'X: a\rb', '9110/5.5 CR, LF, NUL'],
    ['a bare LF in a value', 'X: a\nY: b', '9110/5.5 CR, LF, NUL'],
    ['a control character in a cookie', 'Set-Cookie: a=\x01b', '9112/2.2 octets'],
    ['a bare CR in a cookie', 'Set-Cookie: a=b\rX: y', '9112/2.2 bare CR'],
    ['a bare CR in a location', 'Location: /x\ry', '9112/2.2 bare CR'],
    ['a bare LF in a location', 'Location: /x\nSet-Cookie: a=b', '9110/5.5 CR, LF, NUL'],
    ['a fold', 'X: a\r\n b', '9112/5.2 fold in an answer'],
    ['a fold by a tab', 'X: a\r\n\tb\r\nY: c', '9112/5.2 fold in an answer'],
    ['a folded cookie', 'Set-Cookie: a=b;\r\n Path=/', '9112/5.2 fold in an answer'],
    ['a fold before the first field', ' X: a', '9112/2.2 white space before the first field'],
    ['a space before a colon', 'X : a', '9112/5.1 space in an answer'],
    ['a tab before a colon', 'X\t: a', '9112/5.1 space in an answer'],
    ['a space before the colon of a cookie', 'Set-Cookie : a=b', '9112/5.1 space in an answer'],
    ['no colon', 'words', '9112/2.2 octets'],
    ['no name', ': a', '9112/2.2 octets'],
    ['a name in two words', 'X Y: a', '9112/2.2 octets'],
    ['a name with a high byte', 'X\xe4: a', '9112/2.2 octets'],
  ] as const
).map(
  ([what, line, clause]): AnswerCase => ({
    name: `A field line with ${what} is not passed on`,
    clauses: [clause],
    sends: answer(`${line}\r\n`),
    is: badGateway,
    // Others may repair what is folded, spaced or ended by LF, and leave out what is no field.
    or: [{ status: 200, body: 'hello', fields: { 'x\xe4': null } }],
  }),
);

const passedOn: readonly AnswerCase[] = [
  {
    name: 'Fields that nobody knows reach the client, in their order',
    clauses: ['9110/5.1 unknown fields', '9110/5.3 order'],
    sends: answer('X: 1\r\nSet-Cookie: b=2\r\nSet-Cookie: a=1\r\nX: \xe4\r\n'),
    is: whole({ x: '1 | \xe4', 'set-cookie': 'b=2 | a=1' }),
  },
  {
    name: 'White space around a value goes',
    clauses: ['9110/5.5 outer white space'],
    sends: answer('X:\t a b \t\r\nY:\r\n'),
    is: whole({ x: 'a b', y: '' }),
  },
  {
    name: 'What Connection names does not reach the client',
    clauses: ['9110/7.6.1 Connection', '9110/5.6.1 empty elements'],
    sends: answer('Connection: ,X-Hop,, keep-alive\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\nX-End: 2\r\n'),
    is: whole({ 'x-hop': null, 'x-end': '2' }),
    or: [whole({ 'x-end': '2' })],
  },
  {
    name: 'An answer without Date gets one',
    clauses: ['9110/6.6.1 Date'],
    sends: answer('X: y\r\n'),
    is: { ...whole(), fieldsThere: ['date'] },
    or: [whole()],
  },
  {
    name: 'A chunked answer without Date gets one',
    clauses: ['9110/6.6.1 Date'],
    sends: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    is: { ...whole(), fieldsThere: ['date'] },
    or: [whole()],
  },
  {
    name: 'A Date that is there stays the only one',
    clauses: ['9110/6.6.1 Date'],
    sends: answer(DATE),
    is: whole({ date: 'Thu, 01 Jan 2026 00:00:00 GMT' }),
    or: [whole()],
  },
  {
    name: 'A challenge reaches the client as it is',
    clauses: ['9110/11.6 credentials'],
    sends:
      'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="a, b" , Digest x=1\r\nContent-Length: 0\r\n\r\n',
    is: { status: 401, body: '', fields: { 'www-authenticate': 'Basic realm="a, b" , Digest x=1' } },
  },
  {
    name: 'A partial answer reaches the client as it is',
    clauses: ['9110/13.2.1 conditions'],
    sends: 'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 1-2/9\r\nContent-Length: 2\r\n\r\nhi',
    is: { status: 206, body: 'hi', fields: { 'content-range': 'bytes 1-2/9' } },
  },
  {
    name: 'A reason of other words, of none, and with bytes above ASCII is one',
    clauses: ['9112/2.2 octets'],
    sends: 'HTTP/1.1 200 Gar nicht schl\xe4cht\r\nContent-Length: 5\r\n\r\nhello',
    is: whole(),
  },
  {
    name: 'A status line without a reason is one',
    clauses: ['9112/2.2 octets'],
    sends: 'HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nhello',
    is: whole(),
  },
  {
    name: 'An answer in pieces is one',
    clauses: ['9112/2.2 octets'],
    sends: ['HT', 'TP/1.1 2', '00 OK\r', '\nContent-Le', 'ngth: 5\r\n\r', '\nhel', 'lo'],
    is: whole(),
  },
  {
    name: 'A head of one huge value is not passed on',
    clauses: ['9110/5.4 large fields'],
    sends: answer(`X: ${'x'.repeat(300_000)}\r\n`),
    is: badGateway,
  },
  {
    name: 'A head of very many fields is not passed on',
    clauses: ['9110/5.4 large fields'],
    sends: answer('X: y\r\n'.repeat(50_000)),
    is: badGateway,
  },
  {
    name: 'A head that does not come to its end is not passed on',
    clauses: ['9112/8 incomplete answer'],
    sends: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n',
    ending: 'close',
    is: badGateway,
  },
  {
    name: 'Nothing at all is not an answer',
    clauses: ['9112/8 incomplete answer'],
    request: 'POST /case HTTP/1.1\r\nHost: a\r\n\r\n',
    sends: '',
    ending: 'close',
    is: badGateway,
  },
  {
    name: 'A length in an HTTP/1.0 answer with a coding is not believed',
    clauses: ['9112/6.1 HTTP/1.0'],
    sends: 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    ending: 'close',
    is: badGateway,
    or: [{ ...whole(), endsUpstream: true }],
  },
];

const informational: readonly AnswerCase[] = [
  {
    name: 'An early hint does not take the place of the answer',
    clauses: ['9110/15.2 informational', '9112/9.2 order'],
    sends: `HTTP/1.1 103 Early Hints\r\nLink: </x.css>; rel=preload\r\n\r\n${answer('')}`,
    is: whole(),
  },
  {
    name: 'Several informational answers come before the one',
    clauses: ['9110/15.2 informational', '9112/9.2 order'],
    sends: [`HTTP/1.1 102 Processing\r\n\r\n`, 'HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n', answer('')],
    is: whole(),
  },
  {
    name: 'An informational answer of no known number is passed over or on',
    clauses: ['9110/15.2 informational'],
    sends: `HTTP/1.1 150 Whatever\r\nX: y\r\n\r\n${answer('')}`,
    is: whole(),
    or: [badGateway],
  },
  {
    name: 'A 100 that nobody asked for is not the answer',
    clauses: ['9110/15.2 informational', '9112/9.2 order'],
    sends: `HTTP/1.1 100 Continue\r\n\r\n${answer('')}`,
    is: whole(),
  },
  {
    name: 'A length on an informational answer frames nothing',
    clauses: ['9110/8.6 not on 1xx and 204', '9110/15.2 informational'],
    sends: `HTTP/1.1 103 Early Hints\r\nContent-Length: 999\r\n\r\n${answer('')}`,
    is: whole(),
    or: [badGateway],
  },
  {
    name: 'A coding on an informational answer frames nothing',
    clauses: ['9112/6.1 not on 1xx and 204'],
    sends: `HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n${answer('')}`,
    is: whole(),
    or: [badGateway],
  },
  {
    name: 'Informational answers without end are given up',
    clauses: ['9110/15.2 informational', '9110/5.4 large fields'],
    sends: [
      `HTTP/1.1 103 Early Hints\r\nX: ${'x'.repeat(500)}\r\n\r\n`.repeat(400),
      `HTTP/1.1 102 Processing\r\n\r\n`.repeat(4_000),
    ],
    ending: 'close',
    is: badGateway,
  },
  {
    name: 'An informational answer without a final one is none',
    clauses: ['9112/8 incomplete answer'],
    sends: 'HTTP/1.1 103 Early Hints\r\n\r\n',
    ending: 'close',
    is: badGateway,
  },
  {
    name: 'A 101 that nobody asked for is not passed on',
    clauses: ['9110/7.8 indicated'],
    sends: 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\nGET',
    is: badGateway,
  },
  {
    name: 'A 101 to a protocol that the client did not name is not passed on',
    clauses: ['9110/7.8 indicated'],
    request: 'GET /case HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    sends: 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n',
    is: badGateway,
    or: [{ status: 101 }],
  },
  {
    name: 'A 101 without Upgrade is not passed on',
    clauses: ['9110/7.8 indicated'],
    request: 'GET /case HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n',
    sends: 'HTTP/1.1 101 Switching Protocols\r\n\r\n',
    is: badGateway,
    or: [{ status: 101 }],
  },
  {
    name: 'An upgrade that is refused is an answer',
    clauses: ['9112/9.2 order'],
    request: 'GET /case HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n',
    sends: 'HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade\r\nUpgrade: other\r\nContent-Length: 2\r\n\r\nno',
    is: { status: 426, body: 'no' },
  },
  {
    name: 'An answer that comes before the end of the request is the answer',
    clauses: ['9112/9.3 read or close', '9112/9.2 order'],
    request: 'POST /case HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc',
    sends: 'HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno',
    is: { status: 413, body: 'no' },
  },
  {
    name: 'A request that may not be repeated is not sent again when its answer does not come',
    clauses: ['9112/8 incomplete answer'],
    request: 'POST /case HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi',
    sends: 'HTTP/1.1 2',
    ending: 'reset',
    is: badGateway,
  },
];

export const heads: readonly Topic<AnswerCase>[] = [
  { topic: 'answers: framing', cases: framing },
  { topic: 'answers: status lines', cases: lines },
  { topic: 'answers: field lines', cases: fieldLines },
  { topic: 'answers: fields passed on', cases: passedOn },
  { topic: 'answers: informational', cases: informational },
];
