import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { RawClient } from '../../corpus/client.ts';
import { Objection } from '../../corpus/strict/fields.ts';
import { readResponse, type StrictResponse } from '../../corpus/strict/response.ts';
import { startTestGateway, tcpUpstream } from './testbed.ts';

// So that an upstream that hangs is given up soon (the gateway looks twice a second), and a busy machine is not taken for one.
const UPSTREAM = { headMs: 1_000 };
const HANG_MS = 5_000;
const AT_ONCE = 64;

type Ending = 'end' | 'reset' | 'hang';

/** What an upstream does in answer to one request. */
interface Fault {
  readonly what: string;
  readonly bytes: string;
  readonly ending: Ending;
}

interface Exchange {
  readonly name: string;
  readonly request: (target: string) => readonly string[];
  /** What the upstream answers when nothing goes wrong. */
  readonly answer: string;
}

const get = (target: string) => [`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`];
const EXCHANGES: readonly Exchange[] = [
  { name: 'a fixed length', request: get, answer: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello' },
  {
    name: 'chunks with trailers',
    request: get,
    answer: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\nX-Sum: 1\r\n\r\n',
  },
  { name: 'an end with the connection', request: get, answer: 'HTTP/1.1 200 OK\r\nX: y\r\n\r\nhello' },
  {
    name: 'an upload that waits for 100',
    request: (target) => [
      `POST ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n`,
      'hello',
    ],
    answer: 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok',
  },
  {
    name: 'an upgrade',
    request: (target) => [`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: raw\r\n\r\n`],
    answer: 'HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: raw\r\n\r\nhello',
  },
];

for (const { name, request, answer } of EXCHANGES) {
  test(`${name}: whatever goes wrong at each byte of the answer, the client sees the whole one, a 502 or 504, or a cut one`, {
    timeout: 60_000,
  }, async (t) => {
    const faults = faultsOf(answer);
    const port = await faultyGateway(t, faults);
    const wrong: string[] = [];
    await inParallel(faults, async (fault, at) => {
      const difference = await play(port, request(`/${at}`), fault);
      if (difference !== undefined) wrong.push(`${fault.what}: ${difference}`);
    });
    assert.deepEqual(wrong, []);
  });
}

/** Ends, resets and hangs behind each byte; each byte left out, and each doubled. */
function faultsOf(answer: string): Fault[] {
  const faults: Fault[] = [];
  for (let at = 0; at <= answer.length; at += 1) {
    const before = answer.slice(0, at);
    for (const ending of ['end', 'reset', 'hang'] as const)
      faults.push({ what: `${ending} at ${at}`, bytes: before, ending });
    if (at === answer.length) break;
    faults.push({ what: `without byte ${at}`, bytes: before + answer.slice(at + 1), ending: 'end' });
    faults.push({
      what: `byte ${at} twice`,
      bytes: before + answer.slice(at, at + 1) + answer.slice(at),
      ending: 'end',
    });
  }
  return faults;
}

/** A gateway before an upstream that answers `/N` as the N-th fault says, once it has the whole head, and anything else rightly. */
async function faultyGateway(t: TestContext, faults: readonly Fault[]): Promise<number> {
  const bed = await startTestGateway(t, { upstream: UPSTREAM });
  const target = await tcpUpstream(t, (socket) => {
    let text = '';
    socket.on('data', (data) => {
      text += data.toString('latin1');
      const asked = /^\w+ \/(\w+) .*?\r\n\r\n/s.exec(text);
      if (asked === null) return;
      text = '';
      const fault = faults[Number(asked[1])];
      if (fault === undefined) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine');
      else misbehave(socket, fault);
    });
  });
  await bed.route('a/', target);
  return bed.port;
}

function misbehave(socket: Socket, { bytes, ending }: Fault): void {
  socket.write(bytes, 'latin1', () => {
    if (ending === 'end') socket.end();
    // A reset overtakes bytes that nobody has read yet.
    if (ending === 'reset') setTimeout(() => socket.resetAndDestroy(), 20);
  });
}

/** Plays one fault, then asks for something else; gives what is wrong. */
async function play(port: number, request: readonly string[], fault: Fault): Promise<string | undefined> {
  const method = request[0]?.split(' ')[0] ?? 'GET';
  const client = new RawClient(port, [method]);
  await client.send(request);
  const expected = meaningOf(fault, method);
  const isOpen = fault.ending === 'hang' && expected !== undefined && !isWhole(expected, fault);
  if (isOpen) await client.until(() => client.isOver || client.rest.length > 0 || client.isTunnel, HANG_MS);
  else await client.until(() => client.isOver || (client.isTunnel && fault.ending === 'hang'), HANG_MS);
  const difference = differenceOf(client, expected, fault);
  client.destroy();
  return difference ?? (await nextIsRight(port));
}

/** What a strict client would make of the bytes; undefined where it would object, or there is no answer. */
function meaningOf({ bytes }: Fault, method: string): StrictResponse | undefined {
  try {
    const answer = readResponse(bytes, method, true);
    return answer?.status === 101 ? { ...answer, body: bytes.slice(answer.end) } : answer;
  } catch (error) {
    if (error instanceof Objection) return undefined;
    throw error;
  }
}

/** Whether the answer has come to an end that its client can see. */
function isWhole({ isWhole, fields, status }: StrictResponse, { ending }: Fault): boolean {
  const isFramed = fields.some(([name]) => name === 'content-length' || name === 'transfer-encoding');
  return isWhole && (ending === 'end' || isFramed || status === 204 || status === 304);
}

function differenceOf(client: RawClient, expected: StrictResponse | undefined, fault: Fault): string | undefined {
  const isGood = expected !== undefined && isWhole(expected, fault) && !fault.what.includes('byte');
  const { answers, objection } = client;
  const [answer, ...others] = answers;
  if (others.length > 0) return `${answers.length} answers`;
  if (objection !== undefined) return `objected to: ${objection}`;
  // Without a proper answer, and for what the gateway takes more strictly than it would have to.
  if (answer?.status === 502 || (answer?.status === 504 && fault.ending === 'hang')) {
    return answer.isWhole && !isGood ? undefined : `${answer.status} though all was there`;
  }
  // Bytes that are wrong behind the head cut what has begun.
  if (expected === undefined)
    return answer?.isWhole === false ? undefined : `${answer?.status ?? client.rest} for no answer`;
  if (expected.status === 101) return tunnelDifference(client, expected);
  const seen = answer ?? partOf(client);
  // A head may wait for its first content, which here never comes.
  if (seen === undefined) return client.isOver || isWhole(expected, fault) ? 'nothing' : undefined;
  if (seen.status !== expected.status) return `status ${seen.status}, not ${expected.status}`;
  if (!expected.body.startsWith(seen.body)) return `body ${JSON.stringify(seen.body)}`;
  if (isWhole(expected, fault))
    return seen.isWhole && seen.body === expected.body ? undefined : 'a cut answer for a whole one';
  return seen.isWhole ? `a whole answer with ${JSON.stringify(seen.body)} for a cut one` : undefined;
}

/** Of an answer that goes on. */
function partOf(client: RawClient): StrictResponse | undefined {
  const part = readResponse(client.rest, 'GET', true);
  return part === undefined ? undefined : { ...part, isWhole: false };
}

function tunnelDifference({ answers, tunnelled }: RawClient, { body }: StrictResponse): string | undefined {
  if (answers[0]?.status !== 101) return `status ${answers[0]?.status}, not 101`;
  return body.startsWith(tunnelled) ? undefined : `tunnelled ${JSON.stringify(tunnelled)}`;
}

async function nextIsRight(port: number): Promise<string | undefined> {
  const client = new RawClient(port);
  await client.send(get('/next'));
  await client.until(() => client.isOver, HANG_MS);
  client.destroy();
  const body = client.answers[0]?.body;
  return body === 'fine' ? undefined : `the next request got ${client.objection ?? body}`;
}

async function inParallel<Item>(items: readonly Item[], run: (item: Item, at: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const at = next;
      next += 1;
      await run(items[at] as Item, at);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

const BODY = 'x'.repeat(4_000);
for (const ending of ['end', 'reset', 'hang'] as const) {
  test(`an upstream that does ${ending} at a dozen points of a request costs a 502 or 504, and nothing else`, {
    timeout: 60_000,
  }, async (t) => {
    const bed = await startTestGateway(t, { upstream: UPSTREAM });
    const target = await tcpUpstream(t, (socket) => breakOff(socket, ending));
    await bed.route('a/', target);
    const points = Array.from({ length: 12 }, (_, at) => at * 360);
    const wrong: string[] = [];
    await inParallel(points, async (point) => {
      const client = new RawClient(bed.port, ['POST']);
      const head = `POST /${point} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`;
      const chunks = Array.from({ length: 4 }, (_, at) => `3e8\r\n${BODY.slice(at * 1_000, at * 1_000 + 1_000)}\r\n`);
      await client.send([head, ...chunks, '0\r\n\r\n']);
      await client.until(() => client.isOver, HANG_MS);
      const statuses = client.answers.map(({ status }) => status).join();
      client.destroy();
      if (statuses !== (ending === 'hang' ? '504' : '502'))
        wrong.push(`at ${point}: ${statuses} ${client.objection ?? ''}`);
      const next = await nextIsRight(bed.port);
      if (next !== undefined) wrong.push(`at ${point}: ${next}`);
    });
    assert.deepEqual(wrong, []);
  });
}

/** Goes wrong when it has as many bytes behind the head as the target of the request says. */
function breakOff(socket: Socket, ending: Ending): void {
  let text = '';
  socket.on('data', (data) => {
    text += data.toString('latin1');
    const [head = '', point] = /^\w+ \/(\w+) .*?\r\n\r\n/s.exec(text) ?? [];
    if (point === 'next') socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine');
    else if (head !== '' && text.length - head.length >= Number(point))
      misbehave(socket, { what: '', bytes: '', ending });
    if (point === 'next') text = '';
  });
}
