import { answered, get, passed, passedLast, post, type RequestCase, refused, type Topic } from '../case.ts';
import { SMUGGLED } from '../smuggled.ts';

const cases: readonly RequestCase[] = [
  ...(
    [
      ['a NUL', '\x00', ['9110/5.5 CR, LF, NUL']],
      ['a NUL at the end', 'y\x00', ['9110/5.5 CR, LF, NUL']],
    ] as const
  ).map(
    ([what, value, clauses]): RequestCase => ({
      name: `A value with ${what} is refused`,
      clauses,
      sends: `GET /x HTTP/1.1\r\nHost: a\r\nX: ${value}\r\n\r\n`,
      is: refused(400),
      or: [passed(get('/x', { x: value.replace('\x00', '').trim() }))],
    }),
  ),
  ...(
    [
      ['an escape character', 'y\x1bz'],
      ['a DEL', 'y\x7fz'],
      ['a backspace', 'y\x08z'],
      ['a form feed', 'y\x0cz'],
    ] as const
  ).map(
    ([what, value]): RequestCase => ({
      name: `A value with ${what} is refused, though it might be kept`,
      clauses: ['9112/2.2 octets'],
      sends: `GET /x HTTP/1.1\r\nHost: a\r\nX: ${value}\r\n\r\n`,
      is: refused(400),
      or: [passed(get('/x', { x: value }))],
    }),
  ),
  ...(
    [
      ['a NUL', 'X\x00Y'],
      ['a control character', 'X\x02'],
      ['a high byte', 'X\xe4'],
      ['parentheses', 'X(Y)'],
      ['a slash', 'X/Y'],
      ['an at sign', 'X@Y'],
      ['a comma', 'X,Y'],
      ['quotes', '"X"'],
      ['a space inside', 'X Y'],
      ['an equals sign', 'X=Y'],
      ['brackets', 'X[0]'],
    ] as const
  ).map(
    ([what, name]): RequestCase => ({
      name: `A name with ${what} is refused`,
      clauses: ['9112/2.2 octets'],
      sends: `GET /x HTTP/1.1\r\nHost: a\r\n${name}: 1\r\n\r\n`,
      is: refused(400),
      or: [passed(get('/x', { [name.toLowerCase()]: null }))],
    }),
  ),
  {
    name: 'Bytes above ASCII in a value are passed on as they are',
    clauses: ['9112/2.2 octets', '9110/5.1 unknown fields'],
    sends: 'GET /x HTTP/1.1\r\nHost: a\r\nX: \xe4\xff\x80y\r\n\r\n',
    is: passed(get('/x', { x: '\xe4\xff\x80y' })),
  },
  {
    name: 'UTF-8 in a value is passed on as the same bytes',
    clauses: ['9112/2.2 octets', '9110/5.1 unknown fields'],
    sends: 'GET /x HTTP/1.1\r\nHost: a\r\nX: \xe2\x82\xac\xe5\x98\x8a\r\n\r\n',
    is: passed(get('/x', { x: '\xe2\x82\xac\xe5\x98\x8a' })),
  },
  {
    name: 'Fields that nobody knows are passed on, in names of all token characters',
    clauses: ['9110/5.1 unknown fields'],
    sends: "GET /x HTTP/1.1\r\nHost: a\r\nX-Unknown: 1\r\n!#$%&'*+-.^`|~: 2\r\n\r\n",
    is: passed(get('/x', { 'x-unknown': '1', "!#$%&'*+-.^`|~": '2' })),
    or: [passed(get('/x', { 'x-unknown': '1' }))],
  },
  {
    name: 'An empty value is a value',
    clauses: ['9110/5.1 unknown fields', '9110/5.5 outer white space'],
    sends: 'GET /x HTTP/1.1\r\nHost: a\r\nX:\r\nY: \t \r\n\r\n',
    is: passed(get('/x', { x: '', y: '' })),
  },
  {
    name: 'White space around a value goes, inside it stays',
    clauses: ['9110/5.5 outer white space'],
    sends: 'GET /x HTTP/1.1\r\nHost: a\r\nX:\t y \t z\t \r\n\r\n',
    is: passed(get('/x', { x: 'y \t z' })),
  },
  {
    name: 'Lines of one name keep their order',
    clauses: ['9110/5.3 order'],
    sends: 'GET /x HTTP/1.1\r\nHost: a\r\nX: 2\r\nY: 0\r\nx: 1\r\nX: 3\r\n\r\n',
    is: passed(get('/x', { x: '2 | 1 | 3', y: '0' })),
    or: [passed(get('/x', { x: '2, 1, 3', y: '0' }))],
  },
  {
    name: 'Lines of a list keep their order',
    clauses: ['9110/5.3 order'],
    sends: 'GET /x HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\nAccept: text/plain, */*\r\n\r\n',
    is: passed(get('/x', { accept: 'text/html | text/plain, */*' })),
    or: [passed(get('/x', { accept: 'text/html, text/plain, */*' }))],
  },
  {
    name: 'Cookies on several lines keep their order',
    clauses: ['9110/5.3 order'],
    sends: 'GET /x HTTP/1.1\r\nHost: a\r\nCookie: b=2\r\nCookie: a=1; c=3\r\n\r\n',
    is: passed(get('/x', { cookie: 'b=2 | a=1; c=3' })),
    or: [passed(get('/x', { cookie: 'b=2; a=1; c=3' }))],
  },
  {
    name: 'Names that JavaScript knows are names',
    clauses: ['9110/5.1 unknown fields'],
    sends: 'GET /x HTTP/1.1\r\nHost: a\r\n__proto__: 1\r\nconstructor: 2\r\nhasOwnProperty: 3\r\n\r\n',
    is: passed(get('/x', { ['__proto__']: '1', constructor: '2', hasownproperty: '3' })),
    or: [passed(get('/x', { constructor: '2', hasownproperty: '3' }))],
  },
  {
    name: 'A head of one huge value is refused',
    clauses: ['9110/5.4 large fields'],
    sends: `GET /x HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(90_000)}\r\n\r\n`,
    is: refused(431),
    or: [refused(400)],
  },
  {
    name: 'A head of one huge name is refused',
    clauses: ['9110/5.4 large fields'],
    sends: `GET /x HTTP/1.1\r\nHost: a\r\n${'X'.repeat(90_000)}: y\r\n\r\n`,
    is: refused(431),
    or: [refused(400)],
  },
  {
    name: 'A head of very many fields is refused',
    clauses: ['9110/5.4 large fields'],
    sends: `GET /x HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(12_000)}\r\n`,
    is: refused(431),
    or: [refused(400)],
  },
  {
    name: 'A head that goes on without a line end is refused',
    clauses: ['9110/5.4 large fields'],
    sends: [`GET /x HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(50_000)}`, 'y'.repeat(50_000)],
    is: refused(431),
    or: [refused(400)],
  },
  {
    name: 'Very much white space before a value is none of it, or too much',
    clauses: ['9110/5.4 large fields', '9110/5.5 outer white space'],
    sends: `GET /x HTTP/1.1\r\nHost: a\r\nX:${' '.repeat(90_000)}y\r\n\r\n`,
    is: passed(get('/x', { x: 'y' })),
    or: [refused(400, 431)],
  },
  {
    name: 'A second Host behind very many fields is found',
    clauses: ['9112/3.2 Host'],
    sends: `GET /x HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(2_100)}Host: b\r\n\r\n`,
    is: refused(400, 431),
  },
  {
    name: 'Many fields below the limit are all passed on',
    clauses: ['9110/5.1 unknown fields', '9110/5.3 order'],
    sends: `GET /x HTTP/1.1\r\nHost: a\r\n${Array.from({ length: 90 }, (_, at) => `X: ${at}\r\n`).join('')}\r\n`,
    is: passed(get('/x', { x: Array.from({ length: 90 }, (_, at) => String(at)).join(' | ') })),
    or: [passed(get('/x', { x: Array.from({ length: 90 }, (_, at) => String(at)).join(', ') }))],
  },
  {
    name: 'What Connection names goes, and Connection itself',
    clauses: ['9110/7.6.1 Connection'],
    sends: 'GET /x HTTP/1.1\r\nHost: a\r\nConnection: X-Hop\r\nX-Hop: 1\r\nX-End: 2\r\n\r\n',
    is: passed(get('/x', { 'x-hop': null, 'x-end': '2', connection: null })),
    or: [passed(get('/x', { 'x-hop': null, 'x-end': '2' }))],
  },
  {
    name: 'What several Connection lines name goes, in any case',
    clauses: ['9110/7.6.1 Connection', '9110/5.6.1 empty elements'],
    sends:
      'GET /x HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nx-B: 2\r\nConnection: , ,x-a\r\nconnection: keep-alive,\tX-b ,\r\n\r\n',
    is: passed(get('/x', { 'x-a': null, 'x-b': null, connection: null })),
    or: [passed(get('/x', { 'x-a': null, 'x-b': null }))],
  },
  {
    name: 'Connection with nothing but commas names nothing',
    clauses: ['9110/5.6.1 empty elements', '9110/7.6.1 Connection'],
    sends: 'GET /x HTTP/1.1\r\nHost: a\r\nX: 1\r\nConnection: ,,\r\n\r\n',
    is: passed(get('/x', { x: '1', connection: null })),
    or: [passed(get('/x', { x: '1' }))],
  },
  {
    name: 'A cookie that Connection names goes',
    clauses: ['9110/7.6.1 Connection'],
    sends: 'GET /x HTTP/1.1\r\nHost: a\r\nConnection: close, Cookie\r\nCookie: a=1\r\n\r\n',
    is: passedLast(get('/x', { cookie: null })),
    or: [refused(400)],
  },
  {
    name: 'Naming a length does not take the body’s framing away',
    clauses: ['9110/7.6.1 Connection', '9112/9.3 read or close'],
    sends: `POST /x HTTP/1.1\r\nHost: a\r\nConnection: Content-Length\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
    is: passed(post('/x', SMUGGLED)),
    or: [refused(400)],
  },
  {
    name: 'Naming the forwarding fields does not hide who asks',
    clauses: ['9110/7.6.1 Connection'],
    sends:
      'GET /x HTTP/1.1\r\nHost: a\r\nConnection: X-Forwarded-For, X-Real-IP\r\nX-Forwarded-For: 6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\n\r\n',
    is: passed(get('/x', { 'x-forwarded-for': '127.0.0.1', 'x-real-ip': '127.0.0.1' })),
    or: [passed(get('/x'))],
  },
  {
    name: 'Fields that hold for one hop go unnamed too',
    clauses: ['9110/7.6.1 Connection'],
    sends:
      'GET /x HTTP/1.1\r\nHost: a\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: gzip\r\nTrailer: X\r\n\r\n',
    is: passed(get('/x', { 'keep-alive': null, 'proxy-connection': null, te: null, trailer: null })),
    or: [passed(get('/x'))],
  },
  {
    name: 'TE with trailers is one hop’s matter',
    clauses: ['9110/7.6.1 Connection'],
    sends: 'GET /x HTTP/1.1\r\nHost: a\r\nConnection: TE\r\nTE: trailers, deflate;q=0.5\r\n\r\n',
    is: passed(get('/x', { te: null })),
    or: [passed(get('/x', { te: 'trailers' }))],
  },
  {
    name: 'Identity that only a sign-in proxy may tell does not come from a client, however it is spelled',
    clauses: ['9112/2.2 octets'],
    sends: 'GET /x HTTP/1.1\r\nHost: a\r\nRemote-User: root\r\nremote_user: root\r\nX_Forwarded-User: root\r\n\r\n',
    is: passed(get('/x', { 'remote-user': null, remote_user: null, 'x_forwarded-user': null })),
    or: [passed(get('/x'))],
  },
  {
    name: 'What a client says of its address is replaced',
    clauses: ['9112/2.2 octets'],
    sends:
      'GET /x HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-Forwarded-Host: evil\r\n\r\n',
    is: passed(get('/x', { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-host': 'a' })),
    or: [passed(get('/x'))],
  },
  {
    name: 'Credentials reach the app as they are',
    clauses: ['9110/11.6 credentials'],
    sends: 'GET /x HTTP/1.1\r\nHost: a\r\nAuthorization: Digest  a="b, c" ,d\r\n\r\n',
    is: passed(get('/x', { authorization: 'Digest  a="b, c" ,d' })),
  },
  {
    name: 'Credentials in another scheme and case reach the app as they are',
    clauses: ['9110/11.6 credentials'],
    sends: 'GET /x HTTP/1.1\r\nHost: a\r\nauthorization: bEaReR abc==\r\n\r\n',
    is: passed(get('/x', { authorization: 'bEaReR abc==' })),
  },
  {
    name: 'A condition on an entity tag is the app’s to evaluate',
    clauses: ['9110/13.2.1 conditions'],
    sends: 'GET /x HTTP/1.1\r\nHost: a\r\nIf-None-Match: W/"x", "y"\r\n\r\n',
    is: passed(get('/x', { 'if-none-match': 'W/"x", "y"' })),
  },
  {
    name: 'A range and its condition are the app’s to evaluate',
    clauses: ['9110/13.2.1 conditions'],
    sends: 'GET /x HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1,5-\r\nIf-Range: "y"\r\n\r\n',
    is: passed(get('/x', { range: 'bytes=0-1,5-', 'if-range': '"y"' })),
  },
  {
    name: 'A condition on a time that is none is the app’s to ignore',
    clauses: ['9110/13.2.1 conditions'],
    sends: 'PUT /x HTTP/1.1\r\nHost: a\r\nIf-Match: *\r\nIf-Unmodified-Since: yesterday\r\nContent-Length: 0\r\n\r\n',
    is: passed({ method: 'PUT', target: '/x', fields: { 'if-match': '*', 'if-unmodified-since': 'yesterday' } }),
  },
  {
    name: 'The gateway names itself in Via',
    clauses: ['9110/7.6.3 Via'],
    sends: 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n',
    is: passed(get('/x', { via: '1.1 mainspring' })),
    or: [passed(get('/x', { via: '1.1 haproxy' }))],
  },
  {
    name: 'The gateway adds itself to a Via, behind those that were there',
    clauses: ['9110/7.6.3 Via', '9110/5.3 order'],
    sends: 'GET /x HTTP/1.1\r\nHost: a\r\nVia: 2 edge, 1.1 (a, b) mid\r\n\r\n',
    is: passed(get('/x', { via: '2 edge, 1.1 (a, b) mid | 1.1 mainspring' })),
    or: [passed(get('/x', { via: '2 edge, 1.1 (a, b) mid | 1.1 haproxy' }))],
  },
  {
    name: 'Via says the version that was received',
    clauses: ['9110/7.6.3 Via', '9112/9.3 HTTP/1.0'],
    sends: 'GET /x HTTP/1.0\r\nHost: a\r\nAccept: */*\r\n\r\n',
    is: passedLast(get('/x', { via: '1.0 mainspring' })),
    or: [passedLast(get('/x', { via: '1.0 haproxy' }))],
  },
  {
    name: 'OPTIONS that may go no further is answered by the gateway',
    clauses: ['9110/7.6.2 Max-Forwards'],
    sends: 'OPTIONS /x HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n',
    is: answered(200),
  },
  {
    name: 'OPTIONS that may go further is passed on with one less',
    clauses: ['9110/7.6.2 Max-Forwards'],
    sends: 'OPTIONS /x HTTP/1.1\r\nHost: a\r\nMax-Forwards: 5\r\nAccept: */*\r\n\r\n',
    is: passed({ method: 'OPTIONS', target: '/x', fields: { 'max-forwards': '4' } }),
  },
  {
    name: 'TRACE that may go no further is not passed on',
    clauses: ['9110/7.6.2 Max-Forwards'],
    sends: 'TRACE /x HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n',
    is: refused(405),
    or: [answered(200)],
  },
  {
    name: 'Max-Forwards of another method is the app’s',
    clauses: ['9110/5.1 unknown fields'],
    sends: 'GET /x HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n',
    is: passed(get('/x', { 'max-forwards': '0' })),
  },
];

export const fields: Topic<RequestCase> = { topic: 'fields', cases };
