import { get, passed, passedLast, post, type RequestCase, refused, type Topic } from '../case.ts';
import { SMUGGLED } from '../smuggled.ts';

const cases: readonly RequestCase[] = [
  {
    name: 'Pipelined requests are answered in their order',
    clauses: ['9112/9.3.2 order', '9112/9.2 order'],
    sends: 'GET /x HTTP/1.1\r\nHost: a\r\n\r\nGET /y HTTP/1.1\r\nHost: a\r\n\r\nGET /z HTTP/1.1\r\nHost: a\r\n\r\n',
    is: passed(get('/x'), get('/y'), get('/z')),
  },
  {
    name: 'Pipelined requests with bodies are cut where their lengths say',
    clauses: ['9112/9.3.2 order', '9112/9.3 read or close'],
    sends:
      'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nGETPOST /y HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nPOST\r\n0\r\n\r\nGET /z HTTP/1.1\r\nHost: a\r\n\r\n',
    is: passed(post('/x', 'GET'), post('/y', 'POST'), get('/z')),
  },
  {
    name: 'A HEAD among pipelined requests has no content in its answer',
    clauses: ['9110/9.3.2 HEAD', '9112/9.2 order'],
    sends: 'HEAD /x HTTP/1.1\r\nHost: a\r\n\r\nGET /y HTTP/1.1\r\nHost: a\r\n\r\n',
    is: passed({ method: 'HEAD', target: '/x' }, get('/y')),
  },
  {
    name: 'A HEAD with a body has it read',
    clauses: ['9110/9.3.2 HEAD', '9112/9.3 read or close'],
    sends: `HEAD /x HTTP/1.1\r\nHost: a\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
    is: passed({ method: 'HEAD', target: '/x', body: SMUGGLED }),
    or: [refused(400)],
  },
  {
    name: 'A bad request behind a good one does not take its answer away',
    clauses: ['9112/9.3.2 order'],
    sends: 'GET /x HTTP/1.1\r\nHost: a\r\n\r\nGET /y HTTP/1.1\r\nHost : a\r\n\r\n',
    is: { requests: [get('/x')], own: [400], connection: 'closed' },
    or: [passedLast(get('/x'))],
  },
  {
    name: 'A good request behind a bad one is not believed',
    clauses: ['9112/9.6 close sent'],
    sends: `GET /x HTTP/1.1\r\n\r\n${SMUGGLED}`,
    is: refused(400),
  },
  {
    name: 'A request in a later write behind a bad one is not believed',
    clauses: ['9112/9.6 close sent'],
    sends: ['POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', SMUGGLED],
    is: refused(400),
  },
  {
    name: 'A refused expectation is behind a body that might have been meant as one',
    clauses: ['9112/9.6 close sent', '9110/10.1.1 Expect'],
    sends: [`POST /x HTTP/1.1\r\nHost: a\r\nExpect: a-miracle\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n`, SMUGGLED],
    is: refused(417),
    or: [passed(post('/x', SMUGGLED))],
  },
  {
    name: 'A request behind a refused method is not believed',
    clauses: ['9112/9.6 close sent'],
    sends: ['TRACE /x HTTP/1.1\r\nHost: a\r\n\r\n', SMUGGLED],
    is: refused(405),
    or: [passed({ method: 'TRACE', target: '/x' }, get('/smuggled'))],
  },
  {
    name: 'After close the connection ends',
    clauses: ['9112/9.6 close received'],
    sends: 'GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    is: passedLast(get('/x', { connection: null })),
    or: [passedLast(get('/x'))],
  },
  {
    name: 'A request in the same write behind close is not processed',
    clauses: ['9112/9.6 close received'],
    sends: `GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n${SMUGGLED}`,
    is: passedLast(get('/x')),
  },
  {
    name: 'A request behind close and a body is not processed',
    clauses: ['9112/9.6 close received', '9112/9.3 read or close'],
    sends: `POST /x HTTP/1.1\r\nHost: a\r\nConnection: Keep-Alive, CLOSE\r\nContent-Length: 2\r\n\r\nhi${SMUGGLED}`,
    is: passedLast(post('/x', 'hi')),
  },
  {
    name: 'Close in a list with empty elements is close',
    clauses: ['9112/9.6 close received', '9110/5.6.1 empty elements'],
    sends: `GET /x HTTP/1.1\r\nHost: a\r\nConnection: ,, close ,\r\n\r\n${SMUGGLED}`,
    is: passedLast(get('/x')),
  },
  {
    name: 'Close on a second line is close',
    clauses: ['9112/9.6 close received'],
    sends: `GET /x HTTP/1.1\r\nHost: a\r\nConnection: X-A\r\nConnection: close\r\n\r\n${SMUGGLED}`,
    is: passedLast(get('/x')),
  },
  {
    name: 'A word that contains close is not close',
    clauses: ['9112/9.6 close received', '9110/7.6.1 Connection'],
    sends: `GET /x HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n\r\n${SMUGGLED}`,
    is: passed(get('/x'), get('/smuggled')),
  },
  {
    name: 'A client that closes its side behind a request gets its answer',
    clauses: ['9112/9.3.2 order'],
    sends: 'GET /x HTTP/1.1\r\nHost: a\r\nUser-Agent: old\r\n\r\n',
    ends: true,
    is: passedLast(get('/x')),
  },
  {
    name: 'A client that expects to be told to go on is told so',
    clauses: ['9110/10.1.1 Expect'],
    sends: ['POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n', 'hi'],
    is: { ...passed(post('/x', 'hi')), interim: [100] },
  },
  {
    name: 'An expectation in other letters is the same one',
    clauses: ['9110/10.1.1 Expect'],
    sends: [
      'POST /x HTTP/1.1\r\nHost: a\r\nexpect: 100-Continue\r\nTransfer-Encoding: chunked\r\n\r\n',
      '2\r\nhi\r\n0\r\n\r\n',
    ],
    is: passed(post('/x', 'hi')),
  },
  {
    name: 'An expectation without a body asks for nothing',
    clauses: ['9110/10.1.1 Expect'],
    sends: `GET /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n${SMUGGLED}`,
    is: passed(get('/x'), get('/smuggled')),
  },
  {
    name: 'A client that does not wait to be told is understood',
    clauses: ['9110/10.1.1 Expect', '9112/9.3 read or close'],
    sends: `POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi${SMUGGLED}`,
    is: passed(post('/x', 'hi'), get('/smuggled')),
  },
  {
    name: 'An expectation that nobody knows is refused',
    clauses: ['9110/10.1.1 Expect'],
    sends: 'GET /x HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n',
    is: refused(417),
    or: [passed(get('/x'))],
  },
  {
    name: 'A known expectation beside one that nobody knows is refused',
    clauses: ['9110/10.1.1 Expect'],
    sends: 'POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue, more\r\nContent-Length: 2\r\n\r\nhi',
    is: refused(417),
    or: [passed(post('/x', 'hi'))],
  },
  {
    name: 'An expectation in HTTP/1.0 is ignored',
    clauses: ['9110/10.1.1 HTTP/1.0'],
    sends: 'POST /x HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi',
    is: { ...passedLast(post('/x', 'hi')), interim: [] },
  },
  {
    name: 'An expectation in HTTP/1.0 without a body is ignored',
    clauses: ['9110/10.1.1 HTTP/1.0'],
    sends: 'GET /x HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\n\r\n',
    is: { ...passedLast(get('/x')), interim: [] },
  },
  {
    name: 'An expectation in HTTP/1.0 whose body comes late is ignored',
    clauses: ['9110/10.1.1 HTTP/1.0'],
    sends: ['PUT /x HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n', 'h', 'i'],
    is: { ...passedLast({ method: 'PUT', target: '/x', body: 'hi' }), interim: [] },
  },
];

export const connections: Topic<RequestCase> = { topic: 'connections and expectations', cases };
