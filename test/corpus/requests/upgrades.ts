import {
  get,
  type Meaning,
  passed,
  passedLast,
  post,
  type RequestCase,
  type RequestOutcome,
  refused,
  type Topic,
} from '../case.ts';
import { SMUGGLED } from '../smuggled.ts';

const switched: Meaning = { ...get('/switch'), status: 101 };
const tunnel: RequestOutcome = { requests: [switched], connection: 'tunnel' };
const PLAIN = { upgrade: null, connection: null, 'http2-settings': null };

const cases: readonly RequestCase[] = [
  {
    name: 'A protocol that the client asks for is switched to',
    clauses: ['9110/7.8 indicated'],
    sends: 'GET /switch HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: raw/1\r\n\r\n',
    is: { requests: [{ ...switched, fields: { upgrade: 'raw/1' } }], connection: 'tunnel' },
    or: [passed(get('/switch'))],
  },
  {
    name: 'A WebSocket is switched to, and the fields of its handshake are passed on',
    clauses: ['9110/7.8 indicated', '9110/5.1 unknown fields'],
    sends:
      'GET /switch HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n',
    is: {
      requests: [
        {
          ...switched,
          fields: { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-extensions': 'permessage-deflate' },
        },
      ],
      connection: 'tunnel',
    },
    or: [passed(get('/switch'))],
  },
  {
    name: 'What follows an upgrade early belongs to the new protocol',
    clauses: ['9110/7.8 indicated'],
    sends: `GET /switch HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: raw\r\n\r\n${SMUGGLED}`,
    is: tunnel,
    or: [passed(get('/switch'), get('/smuggled'))],
  },
  {
    name: 'What follows an upgrade that the app does not want is believed no more',
    clauses: ['9110/7.8 indicated'],
    sends: `GET /x HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: raw\r\n\r\n${SMUGGLED}`,
    is: passedLast(get('/x')),
    or: [passed(get('/x'), get('/smuggled'))],
  },
  {
    name: 'Connection without Upgrade asks for nothing',
    clauses: ['9110/7.8 indicated', '9110/7.6.1 Connection'],
    sends: 'GET /switch HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n\r\n',
    is: passed(get('/switch', PLAIN)),
    or: [passed(get('/switch'))],
  },
  {
    name: 'Upgrade without Connection asks for nothing',
    clauses: ['9110/7.8 indicated'],
    sends: 'GET /switch HTTP/1.1\r\nHost: a\r\nUpgrade: raw\r\n\r\n',
    is: passed(get('/switch', PLAIN)),
    or: [passed(get('/switch'))],
  },
  {
    name: 'An upgrade with a body is passed on without the upgrade',
    clauses: ['9110/7.8 indicated'],
    sends: `POST /switch HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: raw\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
    is: passed(post('/switch', SMUGGLED, { fields: PLAIN })),
    or: [
      { requests: [post('/switch', SMUGGLED, { status: 101 })], connection: 'tunnel' },
      passed(post('/switch', SMUGGLED)),
      refused(400),
    ],
  },
  {
    name: 'A WebSocket with a chunked body is passed on without the upgrade',
    clauses: ['9110/7.8 indicated', '9112/7.1 decode'],
    sends:
      'GET /switch HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
    is: passed({ ...get('/switch', PLAIN), body: 'hi' }),
    or: [
      { requests: [{ ...switched, body: 'hi' }], connection: 'tunnel' },
      passed({ ...get('/switch'), body: 'hi' }),
      refused(400),
    ],
  },
  {
    name: 'An upgrade to HTTP/2 in the clear goes on in HTTP/1.1',
    clauses: ['9110/7.8 indicated', '9110/7.6.1 Connection'],
    sends:
      'GET /switch HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n',
    is: passed(get('/switch', PLAIN)),
    or: [passed(get('/switch'))],
  },
  {
    name: 'HTTP/2 in the clear among other protocols goes on in HTTP/1.1',
    clauses: ['9110/7.8 indicated'],
    sends: 'GET /switch HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket, H2C\r\n\r\n',
    is: passed(get('/switch', PLAIN)),
    or: [passed(get('/switch')), tunnel],
  },
  {
    name: 'Settings of HTTP/2 without an upgrade go nowhere',
    clauses: ['9110/7.6.1 Connection'],
    sends: 'GET /x HTTP/1.1\r\nHost: a\r\nConnection: HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n',
    is: passed(get('/x', PLAIN)),
    or: [passed(get('/x', { 'http2-settings': null }))],
  },
  {
    name: 'The preface of HTTP/2 behind an upgrade to it is never relayed',
    clauses: ['9110/7.8 indicated', '9112/2.3 own version'],
    sends: 'GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    is: passed(get('/x')),
    or: [{ requests: [get('/x')], own: [400, 501, 505], connection: 'closed' }],
  },
  {
    name: 'An upgrade in HTTP/1.0 is ignored',
    clauses: ['9110/7.8 HTTP/1.0'],
    sends: 'GET /switch HTTP/1.0\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: raw\r\n\r\n',
    is: passedLast(get('/switch', PLAIN)),
    or: [passedLast(get('/switch'))],
  },
  {
    name: 'A WebSocket in HTTP/1.0 is ignored, keep-alive or not',
    clauses: ['9110/7.8 HTTP/1.0'],
    sends: 'GET /switch HTTP/1.0\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n',
    is: passed(get('/switch', PLAIN)),
    or: [passedLast(get('/switch'))],
  },
  {
    name: 'An upgrade with a body in HTTP/1.0 is ignored',
    clauses: ['9110/7.8 HTTP/1.0'],
    sends: 'POST /switch HTTP/1.0\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: raw\r\nContent-Length: 2\r\n\r\nhi',
    is: passedLast(post('/switch', 'hi', { fields: PLAIN })),
    or: [passedLast(post('/switch', 'hi'))],
  },
  {
    name: 'Several protocols to choose from are passed on in their order',
    clauses: ['9110/5.3 order', '9110/7.8 indicated'],
    sends: 'GET /switch HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: one/1\r\nUpgrade: two\r\n\r\n',
    is: { requests: [{ ...switched, fields: { upgrade: 'one/1, two' } }], connection: 'tunnel' },
    or: [{ requests: [switched], connection: 'tunnel' }, passed(get('/switch'))],
  },
  {
    name: 'An empty Upgrade asks for nothing',
    clauses: ['9110/7.8 indicated'],
    sends: 'GET /switch HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade:\r\n\r\n',
    is: passed(get('/switch', PLAIN)),
    or: [passedLast(get('/switch'))],
  },
];

export const upgrades: Topic<RequestCase> = { topic: 'upgrades', cases };
