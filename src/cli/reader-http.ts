import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { text } from 'node:stream/consumers';
import type { z } from 'zod';
import { ERROR_CODES, type ErrorCode, MainspringError } from '../model/errors.ts';
import { OWNER, PEER_HEADER } from '../model/peer.ts';
import {
  ApiErrorSchema,
  type AuditFilter,
  AuditLineSchema,
  ExplainSchema,
  LogLineSchema,
  PlanSchema,
  StatusSchema,
  TipSchema,
} from '../model/surface.ts';
import type { AuditVerdict, Reader } from './reader.ts';

/** Where the daemon is, and how to prove who asks. */
export interface HttpReaderOptions {
  /** The status host as it is reached: `http://mainspring.localhost:8080`. */
  readonly url: string;
  readonly token: string | null;
  /** Checks the chain of lines that were fetched; so the daemon is not asked whether its own log is right. */
  readonly verify: (
    lines: AsyncIterable<z.infer<typeof AuditLineSchema>>,
    head: string | null,
  ) => Promise<AuditVerdict>;
  readonly timeoutMs?: number;
  /** The daemon's own socket: whoever can open it is its owner, and is let in. The URL then only names the host. */
  readonly socketPath?: string;
}

type Query = Readonly<Record<string, string | null | undefined>>;

/** Reads from a running daemon. Failures are `daemon-unreachable`, `not-permitted`, or what the daemon itself says. */
export function httpReader(options: HttpReaderOptions): Reader {
  const ask = async <S extends z.ZodType>(path: string, schema: S, query: Query = {}): Promise<z.infer<S>> =>
    checked(schema, await fetchJson(options, path, query), path);
  const audit = (filter: AuditFilter) =>
    streamLines(options, { path: 'audit', schema: AuditLineSchema, query: auditQuery(filter), signal: null });
  return {
    status: (about) => ask('status', StatusSchema, { commit: about?.commit }),
    plan: async ({ ref, dir }) => {
      if (dir !== null)
        throw new MainspringError('usage', 'plan --dir reads files of this machine, so it takes no --url');
      return await ask('plan', PlanSchema, { ref });
    },
    audit,
    verifyAudit: (head) => options.verify(audit({ app: null, env: null, since: null }), head),
    logs: ({ app, env, build, follow, tail }, signal) => {
      const query = { app, env, build: build ? '1' : null, follow: follow ? '1' : null, tail: String(tail) };
      return streamLines(options, { path: 'logs', schema: LogLineSchema, query, signal });
    },
    tip: async (options) => (await ask('tip', TipSchema, { env: options?.env })).commit,
    explain: ({ app, env }) => ask('explain', ExplainSchema, { app, env }),
    close: async () => {},
  };
}

function auditQuery({ app, env, since, after, limit }: AuditFilter): Query {
  return { app, env, since, after: after?.toString(), limit: limit?.toString() };
}

/** The value as it came: names that this version does not know are kept. */
function checked<S extends z.ZodType>(schema: S, value: unknown, path: string): z.infer<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return value as z.infer<S>;
  const issue = parsed.error.issues[0];
  const where = issue === undefined ? '' : ` (${issue.path.join('.')}: ${issue.message})`;
  throw new MainspringError(
    'daemon-unreachable',
    `the answer to "${path}" is not what a Mainspring daemon says${where}`,
    {
      hint: 'Does --url lead to the status host of a Mainspring of this version?',
    },
  );
}

async function fetchJson(options: HttpReaderOptions, path: string, query: Query): Promise<unknown> {
  const signal = AbortSignal.timeout(options.timeoutMs ?? 60_000);
  try {
    const response = await get(options, { path, query, signal });
    return JSON.parse(await text(response));
  } catch (error) {
    throw unreachable(options.url, error);
  }
}

interface Stream<S extends z.ZodType> {
  readonly path: string;
  readonly schema: S;
  readonly query: Query;
  readonly signal: AbortSignal | null;
}

async function* streamLines<S extends z.ZodType>(
  options: HttpReaderOptions,
  stream: Stream<S>,
): AsyncIterable<z.infer<S>> {
  const { path, query, schema } = stream;
  const signal = stream.signal ?? new AbortController().signal;
  try {
    const response = await get(options, { path, query, signal });
    for await (const line of linesOf(response)) yield checked(schema, JSON.parse(line), path);
  } catch (error) {
    if (signal.aborted) return;
    throw unreachable(options.url, error);
  }
}

async function* linesOf(response: IncomingMessage): AsyncIterable<string> {
  let rest = '';
  response.setEncoding('utf8');
  for await (const chunk of response as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    yield* lines.filter((line) => line !== '');
  }
  if (rest !== '') yield rest;
}

interface Get {
  readonly path: string;
  readonly query: Query;
  readonly signal: AbortSignal;
}

/** One GET, its answer checked for being a good one. Redirects are not followed: the token goes nowhere else. */
async function get(
  { url, token, socketPath }: HttpReaderOptions,
  { path, query, signal }: Get,
): Promise<IncomingMessage> {
  const target = new URL(`/api/v1/${path}`, url);
  for (const [name, value] of Object.entries(query)) if (value != null) target.searchParams.set(name, value);
  const headers = {
    accept: 'application/json',
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    ...(socketPath === undefined ? {} : { [PEER_HEADER]: OWNER }),
  };
  const way = socketPath === undefined ? localLookup(target.hostname) : { socketPath };
  const request = target.protocol === 'https:' ? httpsRequest : httpRequest;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = request(target, { headers, signal, ...way }, resolve);
    outgoing.on('error', reject).end();
  });
  if (response.statusCode === 200) return response;
  throw refusal(response.statusCode ?? 0, await text(response), url);
}

// RFC 6761: *.localhost is this machine, also where the system's resolver has never heard of it.
function localLookup(host: string): { lookup?: LookupFunction } {
  if (!host.endsWith('.localhost')) return {};
  const addresses = [
    { address: '127.0.0.1', family: 4 },
    { address: '::1', family: 6 },
  ];
  return {
    lookup: (_host, options, callback) => (options.all ? callback(null, addresses) : callback(null, '127.0.0.1', 4)),
  };
}

function refusal(status: number, body: string, url: string): MainspringError {
  const parsed = ApiErrorSchema.safeParse(jsonOrNull(body));
  if (parsed.success) {
    const { code, message, hint } = parsed.data.error;
    const known = ERROR_CODES.find((one) => one === code) ?? ('unexpected' satisfies ErrorCode);
    const retry = status === 503 ? 'after-interval' : 'needs-human';
    return new MainspringError(known, message, { retry, ...(hint === null ? {} : { hint }) });
  }
  const retry = status >= 500 ? 'after-interval' : 'needs-human';
  const hint = 'Does --url name the status host, such as "http://mainspring.localhost:8080"?';
  return new MainspringError('daemon-unreachable', `"${url}" answered with status ${status}`, { retry, hint });
}

function jsonOrNull(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

function unreachable(url: string, error: unknown): MainspringError {
  if (error instanceof MainspringError) return error;
  const what = error instanceof SyntaxError ? 'the answer is no JSON' : reasonOf(error);
  return new MainspringError('daemon-unreachable', `read from "${url}": ${what}`, {
    cause: error,
    retry: 'after-interval',
    hint: 'Is "mainspring serve" running, and is --url its status host?',
  });
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'no answer in time';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
