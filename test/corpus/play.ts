import type { AnswerCase, RequestCase } from './case.ts';
import { type Patience, RawClient } from './client.ts';
import type { Record, Recorder } from './recorder.ts';
import type { StrictResponse } from './strict/response.ts';

/** Something between a client and the recorder. */
export interface Intermediary {
  readonly port: number;
  readonly recorder: Recorder;
  readonly patience: Patience;
}

/** What came of a case. */
export interface Observed {
  /** What came to the upstream, but for the requests of the player itself. */
  readonly records: readonly Record[];
  readonly answers: readonly StrictResponse[];
  /** What the client objects to, or the player: an answer that belongs to another request. */
  readonly objection: string | undefined;
  readonly connection: 'open' | 'closed' | 'tunnel' | 'hung';
  /** Whether the upstream's connection that carried the case carried anything after it. */
  readonly usedUpstreamAgain: boolean;
}

/** Plays a client's bytes, then sees whether the connection goes on, and whether another one is served rightly. */
export async function playRequests(at: Intermediary, { sends, ends, is }: RequestCase): Promise<Observed> {
  const writes = typeof sends === 'string' ? [sends] : sends;
  const methods = is.requests.map(({ method }) => method);
  const expected = methods.length + (is.own === undefined ? 0 : 1);
  return observe(at, { writes, ends: ends === true, methods, expected, isClosed: is.connection === 'closed' });
}

/** Lets the upstream answer with the case's bytes, then sees the same. */
export async function playAnswer(at: Intermediary, answer: AnswerCase): Promise<Observed> {
  const { sends, ending, request = 'GET /case HTTP/1.1\r\nHost: a\r\n\r\n', is } = answer;
  at.recorder.play({ sends: typeof sends === 'string' ? [sends] : sends, ending });
  const methods = [request.slice(0, request.indexOf(' '))];
  return observe(at, { writes: [request], ends: false, methods, expected: 1, isClosed: is.isCut === true });
}

interface Play {
  readonly writes: readonly string[];
  readonly ends: boolean;
  readonly methods: readonly string[];
  readonly expected: number;
  readonly isClosed: boolean;
}

async function observe(at: Intermediary, { writes, ends, methods, expected, isClosed }: Play): Promise<Observed> {
  const { recorder, patience, port } = at;
  const mark = recorder.mark();
  const client = new RawClient(port, methods);
  await client.send(writes, { ends });
  await client.until(() => client.isOver || client.answers.length >= expected, patience.answerMs);
  await recorder.played();
  await turns();
  if (isClosed) await client.until(() => client.isOver, patience.quietMs);
  const answers = [...client.answers];
  const connection = await connectionOf(client, patience, ends);
  const stray = client.answers.slice(answers.length, connection === 'open' ? -1 : undefined);
  client.destroy();
  const objection = client.objection ?? (await fence(port, patience));
  const records = recorder.since(mark);
  return {
    records: records.filter((record) => !isPlayers(record)),
    answers: [...answers, ...stray],
    objection,
    connection,
    usedUpstreamAgain: isUsedAgain(records),
  };
}

const AFTER = '/player/after';
const FENCE = '/player/fence';

async function connectionOf(client: RawClient, patience: Patience, ends: boolean): Promise<Observed['connection']> {
  if (client.isOver || (ends && (await client.until(() => client.isOver, patience.answerMs)))) return 'closed';
  if (client.isTunnel) {
    const before = client.tunnelled.length;
    await client.send(['ping']);
    return (await client.until(
      () => client.tunnelled.length > before && client.tunnelled.endsWith('ping'),
      patience.answerMs,
    ))
      ? 'tunnel'
      : 'hung';
  }
  const isAfter = () => client.answers.at(-1)?.body === `GET ${AFTER}`;
  await client.send([`GET ${AFTER} HTTP/1.1\r\nHost: a\r\n\r\n`]);
  await client.until(() => client.isOver || isAfter(), patience.answerMs);
  if (isAfter()) return 'open';
  return client.isOver ? 'closed' : 'hung';
}

/** Another client's request; gives what is wrong with its answer. When it is back, all that was sent before has arrived. */
async function fence(port: number, patience: Patience): Promise<string | undefined> {
  const client = new RawClient(port);
  await client.send([`GET ${FENCE} HTTP/1.1\r\nHost: a\r\n\r\n`]);
  await client.until(() => client.isOver || client.answers.length > 0, patience.answerMs);
  client.destroy();
  await turns();
  const body = client.answers[0]?.body;
  if (body === `GET ${FENCE}`) return undefined;
  return `another client got ${client.objection ?? JSON.stringify(body)} for its own request`;
}

/** What was sent within this process has arrived by then. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

function isPlayers(record: Record): boolean {
  return record.kind === 'request' && record.request.target.startsWith('/player/');
}

function isUsedAgain(records: readonly Record[]): boolean {
  const carrier = records.find((record) => record.kind === 'request' && record.request.target === '/case');
  return (
    carrier !== undefined && records.some((record) => record !== carrier && record.connection === carrier.connection)
  );
}
