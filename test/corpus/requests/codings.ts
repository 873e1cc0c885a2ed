import { cut, passed, passedLast, post, type RequestCase, type RequestOutcome, refused, type Topic } from '../case.ts';
import { SMUGGLED } from '../smuggled.ts';

const byCoding: RequestOutcome = passedLast(post('/x', '', { fields: { 'content-length': null } }));

const cases: readonly RequestCase[] = [
  {
    name: 'A chunked body is passed on as one',
    clauses: ['9112/6.1 chunked', '9112/7.1 decode'],
    sends: 'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n',
    is: passed(post('/x', 'hello world', { fields: { 'content-length': null, 'transfer-encoding': 'chunked' } })),
    or: [passed(post('/x', 'hello world'))],
  },
  {
    name: 'The name of the coding is matched in any case, and passed on in lower case',
    clauses: ['9112/6.1 chunked'],
    sends: 'POST /x HTTP/1.1\r\nHost: a\r\ntransfer-ENCODING: cHuNkEd\r\n\r\n1\r\na\r\n0\r\n\r\n',
    is: passed(post('/x', 'a', { fields: { 'transfer-encoding': 'chunked' } })),
    or: [passed(post('/x', 'a'))],
  },
  {
    name: 'White space around the coding is none of it',
    clauses: ['9112/6.1 chunked', '9110/5.5 outer white space'],
    sends: 'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\t chunked  \r\n\r\n1\r\na\r\n0\r\n\r\n',
    is: passed(post('/x', 'a', { fields: { 'transfer-encoding': 'chunked' } })),
    or: [passed(post('/x', 'a'))],
  },
  {
    name: 'A tab behind the coding is refused, though it is none of it',
    clauses: ['9112/6.1 chunked'],
    sends: 'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\t\r\n\r\n1\r\na\r\n0\r\n\r\n',
    is: cut(400),
    or: [passed(post('/x', 'a'))],
  },
  {
    name: 'A length before the coding is refused',
    clauses: ['9112/6.1 both', '9112/6.3 remove the length'],
    sends: `POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 44\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    is: refused(400),
    or: [byCoding],
  },
  {
    name: 'A length behind the coding is refused',
    clauses: ['9112/6.1 both', '9112/6.3 remove the length'],
    sends: 'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n',
    is: refused(400),
    or: [byCoding],
  },
  {
    name: 'A length of zero beside the coding is refused',
    clauses: ['9112/6.1 both', '9112/6.3 remove the length'],
    sends: `GET /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n1a\r\n${'b'.repeat(26)}\r\n0\r\n\r\n`,
    is: refused(400),
    or: [passedLast({ method: 'GET', target: '/x', body: 'b'.repeat(26), fields: { 'content-length': null } })],
  },
  {
    name: 'Two lengths and a coding are refused',
    clauses: ['9112/6.1 both', '9112/6.3 length of a request'],
    sends:
      'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n',
    is: refused(400),
    or: [byCoding],
  },
  {
    name: 'A malformed length beside the coding is refused',
    clauses: ['9112/6.1 both'],
    sends: 'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: x\r\n\r\n0\r\n\r\n',
    is: refused(400),
    or: [byCoding],
  },
  ...(
    [
      ['chunked, chunked', 'twice the coding in one line', ['9112/6.1 chunked']],
      ['chunked\r\nTransfer-Encoding: chunked', 'twice the coding in two lines', ['9112/6.1 chunked']],
      ['chunked, identity', 'another coding behind the last', ['9112/6.3 not final']],
      ['identity', 'a coding that was taken away from HTTP', ['9112/6.3 not final']],
      ['identity\r\nTransfer-Encoding: chunked', 'identity in a line of its own', ['9112/7.1 decode']],
      ['chunked\r\nTransfer-Encoding: identity', 'identity in a line behind', ['9112/6.3 not final']],
      ['gzip', 'a coding that never ends', ['9112/6.3 not final']],
      ['x-chunked', 'a prefixed name', ['9112/6.3 not final']],
      ['xchunked', 'a name that ends in the right one', ['9112/6.3 not final']],
      ['chunkedx', 'a name that begins with the right one', ['9112/6.3 not final']],
      ['chun ked', 'a name in two words', ['9112/6.3 not final']],
      ['"chunked"', 'quotes', ['9112/6.3 not final']],
      ["'chunked'", 'single quotes', ['9112/6.3 not final']],
      ['chunked;q=1', 'a parameter', ['9112/6.3 not final']],
      ['chunked;', 'a semicolon behind it', ['9112/6.3 not final']],
      ['\x0bchunked', 'a vertical tab before it', ['9112/6.3 not final']],
      ['chunked\x0c', 'a form feed behind it', ['9112/6.3 not final']],
      ['chunked\x00', 'a NUL behind it', ['9110/5.5 CR, LF, NUL']],
      ['\xa0chunked', 'a no-break space before it', ['9112/6.3 not final']],
      ['\xc4\xb1chunked', 'a letter of another script before it', ['9112/6.3 not final']],
      ['', 'nothing', ['9112/6.3 not final']],
      ['\r\nTransfer-Encoding: chunked', 'an empty line before it', ['9112/6.1 chunked']],
    ] as const
  ).map(
    ([value, what, clauses]): RequestCase => ({
      name: `A coding with ${what} is refused`,
      clauses,
      sends: `POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ${value}\r\n\r\n0\r\n\r\n${SMUGGLED}`,
      is: refused(400, 501),
      ...(value === '\r\nTransfer-Encoding: chunked'
        ? { or: [passed(post('/x', ''), { method: 'GET', target: '/smuggled' })] }
        : {}),
    }),
  ),
  {
    name: 'A coding that we do not know before the last is refused with 501',
    clauses: ['9112/6.1 chunked'],
    sends: 'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    is: refused(501),
    or: [refused(400)],
  },
  {
    name: 'A coding that we do not know in a line before is refused',
    clauses: ['9112/6.1 chunked'],
    sends: 'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    is: refused(400, 501),
  },
  {
    name: 'An empty element behind the coding is ignored or refused, and never hides it',
    clauses: ['9110/5.6.1 empty elements'],
    sends: 'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked,\r\n\r\n1\r\na\r\n0\r\n\r\n',
    is: refused(400, 501),
    or: [passed(post('/x', 'a'))],
  },
  {
    name: 'An empty element before the coding is ignored or refused, and never hides it',
    clauses: ['9110/5.6.1 empty elements'],
    sends: 'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ,chunked\r\n\r\n1\r\na\r\n0\r\n\r\n',
    is: refused(400, 501),
    or: [passed(post('/x', 'a'))],
  },
  {
    name: 'A coding in HTTP/1.0 is refused',
    clauses: ['9112/6.1 HTTP/1.0'],
    sends: `POST /x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    is: refused(400),
    or: [byCoding],
  },
  {
    name: 'A coding and a length in HTTP/1.0 are refused',
    clauses: ['9112/6.1 HTTP/1.0', '9112/6.1 both'],
    sends: `POST /x HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    is: refused(400),
    or: [byCoding],
  },
  {
    name: 'A coding in HTTP/1.0 that asks to be kept is refused',
    clauses: ['9112/6.1 HTTP/1.0', '9112/9.3 HTTP/1.0'],
    sends:
      'GET /x HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n',
    is: refused(400),
    or: [passedLast({ method: 'GET', target: '/x', body: 'a' })],
  },
  {
    name: 'A name with an underscore is not the coding, and does not reach an upstream that would take it for one',
    clauses: ['9112/7.1 decode'],
    sends: 'POST /x HTTP/1.1\r\nHost: a\r\nTransfer_Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n',
    is: passed(post('/x', '0\r\n\r\n', { fields: { transfer_encoding: null } })),
    or: [passed(post('/x', '0\r\n\r\n'))],
  },
  {
    name: 'A coding with a space before its colon beside a length is refused',
    clauses: ['9112/5.1 space before the colon'],
    sends: `POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    is: refused(400),
  },
  {
    name: 'A coding behind a bare CR is refused',
    clauses: ['9112/2.2 bare CR'],
    sends: `POST /x HTTP/1.1\r\nHost: a\r\nX: y\rTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    is: refused(400),
    or: [
      passed(post('/x', '0\r\n\r\n', { fields: { x: 'y Transfer-Encoding: chunked' } }), {
        method: 'GET',
        target: '/smuggled',
      }),
    ],
  },
  {
    name: 'A coding on a folded line is refused',
    clauses: ['9112/5.2 fold'],
    sends: 'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n1\r\na\r\n0\r\n\r\n',
    is: refused(400),
    or: [passed(post('/x', 'a'))],
  },
  {
    name: 'A coding that Connection names still frames the body',
    clauses: ['9110/7.6.1 Connection', '9112/7.1 decode'],
    sends:
      'POST /x HTTP/1.1\r\nHost: a\r\nConnection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
    is: passed(post('/x', 'hi', { fields: { connection: null } })),
    or: [passed(post('/x', 'hi')), refused(400)],
  },
];

export const codings: Topic<RequestCase> = { topic: 'Transfer-Encoding', cases };
