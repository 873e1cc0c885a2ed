import { passed, passedLast, post, type RequestCase, refused, type Topic } from '../case.ts';
import { SMUGGLED } from '../smuggled.ts';

const cases: readonly RequestCase[] = [
  {
    name: 'A body of the length that it says is passed on with that length',
    clauses: ['9110/8.6 wrong length', '9112/9.3 read or close'],
    sends: 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
    is: passed(post('/x', 'hello', { fields: { 'content-length': '5', 'transfer-encoding': null } })),
  },
  {
    name: 'A body of zero bytes is one',
    clauses: ['9112/9.3 read or close'],
    sends: 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n',
    is: passed(post('/x', '')),
  },
  {
    name: 'A POST without length or coding has no body, and what follows is the next request',
    clauses: ['9112/9.3 read or close'],
    sends: 'POST /x HTTP/1.1\r\nHost: a\r\n\r\nGET /y HTTP/1.1\r\nHost: a\r\n\r\n',
    is: passed(post('/x', ''), { method: 'GET', target: '/y' }),
  },
  {
    name: 'A body that comes in pieces, split inside the head too, is whole',
    clauses: ['9112/2.2 octets'],
    sends: ['POST /x HTTP/1.1\r\nHos', 't: a\r\nContent-Len', 'gth: 5\r', '\n\r', '\nhe', 'llo'],
    is: passed(post('/x', 'hello')),
  },
  {
    name: 'A body that looks like a request is a body',
    clauses: ['9112/9.3 read or close'],
    sends: `POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
    is: passed(post('/x', SMUGGLED)),
  },
  {
    name: 'A GET may have a body',
    clauses: ['9112/9.3 read or close'],
    sends: 'GET /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc',
    is: passed({ method: 'GET', target: '/x', body: 'abc' }),
    or: [refused(400)],
  },
  {
    name: 'Leading zeros are digits',
    clauses: ['9110/8.6 large lengths', '9110/8.6 wrong length'],
    sends: 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 00000000000000000000000005\r\n\r\nhello',
    is: passed(post('/x', 'hello')),
    or: [refused(400)],
  },
  {
    name: 'White space around a length is none of it',
    clauses: ['9110/5.5 outer white space', '9110/8.6 wrong length'],
    sends: 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: \t 5 \t\r\n\r\nhello',
    is: passed(post('/x', 'hello', { fields: { 'content-length': '5' } })),
  },
  {
    name: 'Two different lengths are refused',
    clauses: ['9112/6.3 length of a request'],
    sends: `POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n${SMUGGLED}`,
    is: refused(400),
  },
  {
    name: 'Two equal lengths are refused, though they might be taken for one',
    clauses: ['9112/6.3 length of a request', '9110/8.6 wrong length'],
    sends: 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nX-Between: 1\r\nContent-Length: 5\r\n\r\nhello',
    is: refused(400),
    or: [passed(post('/x', 'hello'))],
  },
  {
    name: 'A list of equal lengths is refused, though it might be taken for one',
    clauses: ['9112/6.3 length of a request', '9110/8.6 wrong length'],
    sends: 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello',
    is: refused(400),
    or: [passed(post('/x', 'hello'))],
  },
  {
    name: 'A list of different lengths is refused',
    clauses: ['9112/6.3 length of a request'],
    sends: `POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0,44\r\n\r\n${SMUGGLED}`,
    is: refused(400),
  },
  {
    name: 'An empty length is refused',
    clauses: ['9112/6.3 length of a request'],
    sends: `POST /x HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n${SMUGGLED}`,
    is: refused(400),
  },
  {
    name: 'A length of only white space is refused',
    clauses: ['9112/6.3 length of a request', '9110/5.5 outer white space'],
    sends: `POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: \t \r\n\r\n${SMUGGLED}`,
    is: refused(400),
  },
  {
    name: 'A length with a trailing comma is refused',
    clauses: ['9112/6.3 length of a request'],
    sends: 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5,\r\n\r\nhello',
    is: refused(400),
  },
  ...(
    [
      ['a plus sign', '+5'],
      ['a minus sign', '-5'],
      ['a hexadecimal prefix', '0x5'],
      ['an exponent', '5e0'],
      ['a fraction', '5.0'],
      ['digits apart', '5 5'],
      ['digits apart by a tab', '5\t5'],
      ['quotes', '"5"'],
      ['an underscore between digits', '1_0'],
      ['a parameter', '5;a=b'],
      ['a word', 'five'],
      ['digits of another script as bytes', '\xd9\xa5'],
      ['a vertical tab behind the digits', '5\x0b'],
      ['a form feed before the digits', '\x0c5'],
      ['a no-break space behind the digits', '5\xa0'],
    ] as const
  ).map(
    ([what, value]): RequestCase => ({
      name: `A length with ${what} is refused`,
      clauses: ['9112/6.3 length of a request', '9110/8.6 wrong length'],
      sends: `POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: ${value}\r\n\r\nhello`,
      is: refused(400),
    }),
  ),
  {
    name: 'A length of 2 to the 64 plus 5 is not 5',
    clauses: ['9110/8.6 large lengths'],
    sends: 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551621\r\n\r\nhello',
    is: refused(400, 413),
  },
  {
    name: 'A length of 300 digits is refused',
    clauses: ['9110/8.6 large lengths'],
    sends: `POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: ${'9'.repeat(300)}\r\nConnection: close\r\n\r\nhello`,
    is: refused(400, 413),
  },
  {
    name: 'The name is matched in any case',
    clauses: ['9112/6.3 length of a request'],
    sends: `POST /x HTTP/1.1\r\nHost: a\r\ncontent-length: 1\r\nCONTENT-LENGTH: 45\r\n\r\n1${SMUGGLED}`,
    is: refused(400),
  },
  {
    name: 'A name with an underscore is not the length, and does not reach an upstream that would take it for one',
    clauses: ['9112/9.3 read or close'],
    sends: 'POST /x HTTP/1.1\r\nHost: a\r\nContent_Length: 44\r\nContent-Length: 2\r\n\r\nhi',
    is: passed(post('/x', 'hi', { fields: { content_length: null } })),
    or: [passed(post('/x', 'hi'))],
  },
  {
    name: 'A length on the line of another field is that field',
    clauses: ['9112/9.3 read or close'],
    sends: 'POST /x HTTP/1.1\r\nHost: a\r\nX-Note: Content-Length: 44\r\nContent-Length: 2\r\n\r\nhi',
    is: passed(post('/x', 'hi', { fields: { 'x-note': 'Content-Length: 44' } })),
  },
  {
    name: 'A body that ends before its length is not passed on as a whole one',
    clauses: ['9112/6.3 incomplete'],
    sends: 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nhello',
    ends: true,
    is: { requests: [], own: [400], isCut: true, connection: 'closed' },
  },
  {
    name: 'A body of which nothing came is not passed on as an empty one',
    clauses: ['9112/6.3 incomplete'],
    sends: ['POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\n', ''],
    ends: true,
    is: { requests: [], own: [400], isCut: true, connection: 'closed' },
  },
  {
    name: 'A second body that ends before its length does not make the first one wrong',
    clauses: ['9112/6.3 incomplete', '9112/9.3.2 order'],
    sends: [
      'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi',
      'POST /y HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhi',
    ],
    ends: true,
    is: { requests: [post('/x', 'hi')], own: [400], isCut: true, connection: 'closed' },
  },
  {
    name: 'What is longer than its length is the next request, and refused if it is none',
    clauses: ['9112/9.3 read or close'],
    sends: 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi there\r\n\r\n',
    is: { requests: [post('/x', 'hi')], own: [400, 501], connection: 'closed' },
    or: [passedLast(post('/x', 'hi'))],
  },
];

export const lengths: Topic<RequestCase> = { topic: 'Content-Length', cases };
