import { answered, get, passed, type RequestCase, type RequestOutcome, refused, type Topic } from '../case.ts';

const asSent = (target: string, ...or: readonly RequestOutcome[]) => ({ is: passed(get(target)), or });
// The corpus has a second app below /admin, with a path of its own.
const crossing = (sent: string) => ({ is: answered(400), or: [passed(get(sent))] });
const malformed = (sent: string) => ({ is: refused(400), or: [passed(get(sent))] });

const cases: readonly RequestCase[] = (
  [
    ['Unreserved and reserved characters stay as they are', "/a-._~!$&'()*+,;=:@/b?q=/?:@!$'()*+,;"],
    ['Percent-encodings stay in their case', '/%7euser/%7Euser?%2f%2F'],
    ['Two slashes are two', '//x//y/'],
    ['A semicolon and parameters are part of a segment', '/x;a=1;b/y;'],
    ['Characters that browsers send unencoded in a query stay', '/x?a=[1]{2}|3\\4^5`'],
    ['An empty query stays', '/x?'],
    ['A question mark in a query stays', '/x??y?'],
    ['An encoded slash inside one app stays', '/x%2fy%2Fz'],
    ['An encoded percent sign is decoded once at most', '/x%252e%252e%252fadmin'],
    ['Bytes that are no UTF-8 stay', '/x/%ff%fe'],
    ['An overlong encoding of a slash is no slash', '/x%c0%afadmin'],
    ['An overlong encoding of a dot is no dot', '/x/%c0%ae%c0%ae/admin'],
    ['A backslash stays', '/\\admin'],
    ['An encoded way out of a name that only looks like another app stays', '/admin%2f..%2fx'],
    ['A space that is encoded stays', '/x%20y+z'],
    ['Dots in a query are no segments', '/x?/../admin'],
    ['Three dots are a name', '/x/.../y'],
    ['A name that begins with a dot stays', '/.well-known/x'],
    ['A tilde, a colon and an at sign in the first segment stay', '/~x:y@z'],
  ] as const
).map(
  ([name, target]): RequestCase => ({ name, clauses: ['9110/7.7 path'], sends: lineFor(target), ...asSent(target) }),
);

const resolved: readonly RequestCase[] = (
  [
    ['A dot segment is resolved', '/x/./y', '/x/y'],
    ['Two dots take the segment before away', '/x/../y', '/y'],
    ['Two dots at the end leave a slash', '/x/y/..', '/x/'],
    ['Dots that are encoded are dots', '/x/%2e%2E/y', '/y'],
    ['Half encoded dots are dots', '/x/.%2e/y', '/y'],
    ['Two dots above the root stay there', '/../../y', '/y'],
    ['Two dots behind two slashes take the empty segment', '/x//../y', '/x/y'],
  ] as const
).map(
  ([name, sent, target]): RequestCase => ({
    name,
    clauses: ['9110/7.7 path'],
    sends: lineFor(sent),
    is: passed(get(target)),
    or: [passed(get(sent)), refused(400)],
  }),
);

const crossings: readonly RequestCase[] = (
  [
    ['Dots behind an encoded slash do not lead to another app', '/x/..%2fadmin'],
    ['Encoded dots behind an encoded slash do not lead to another app', '/x/%2e%2e%2fadmin'],
    ['Dots behind an encoded backslash do not lead to another app', '/x/..%5cadmin'],
    ['Dots behind a backslash do not lead to another app', '/x/..\\admin'],
    ['An encoded slash does not stand for the border of an app', '/admin%2fx'],
  ] as const
).map(
  ([name, target]): RequestCase => ({ name, clauses: ['9110/7.7 path'], sends: lineFor(target), ...crossing(target) }),
);

const malformedPaths: readonly RequestCase[] = (
  [
    ['Dots behind encoded slashes do not lead above the root', '/x/..%2f..%2f..%2fetc/passwd'],
    ['A percent-encoding that is none is refused', '/x%zz'],
    ['A percent sign at the end is refused', '/x%'],
    ['Half a percent-encoding is refused', '/x%4'],
    ['A NUL that is encoded is refused', '/x%00y'],
    ['A CRLF that is encoded is refused', '/x%0d%0aX:y'],
    ['An escape character that is encoded is refused', '/x%1by'],
  ] as const
).map(
  ([name, target]): RequestCase => ({ name, clauses: ['9110/7.7 path'], sends: lineFor(target), ...malformed(target) }),
);

const raw: readonly RequestCase[] = [
  {
    name: 'Raw bytes above ASCII in a path are refused or stay',
    clauses: ['9112/2.2 octets'],
    sends: 'GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n',
    is: refused(400),
    or: [passed(get('/\xc3\xa4'))],
  },
  {
    name: 'Raw bytes above ASCII in a query are refused or stay',
    clauses: ['9112/2.2 octets'],
    sends: 'GET /x?\xe5\x98\x8a HTTP/1.1\r\nHost: a\r\n\r\n',
    is: refused(400),
    or: [passed(get('/x?\xe5\x98\x8a'))],
  },
  {
    name: 'Another app on the same host gets what is below its path',
    clauses: ['9110/7.7 path'],
    sends: 'GET /admin/x%2Fy HTTP/1.1\r\nHost: a\r\n\r\n',
    is: passed(get('/admin/x%2Fy')),
  },
];

function lineFor(target: string): string {
  return `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`;
}

export const paths: Topic<RequestCase> = {
  topic: 'paths',
  cases: [...cases, ...resolved, ...crossings, ...malformedPaths, ...raw],
};
