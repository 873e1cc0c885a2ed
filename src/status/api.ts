import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import { type ErrorCode, isAbort, type Problem, problemOf } from '../model/errors.ts';
import { PEER_HEADER } from '../model/peer.ts';
import type { Settings } from '../model/settings.ts';
import type {
  AuditFilter,
  AuditLine,
  ExplainQuery,
  Explanation,
  LogsQuery,
  PlanDocument,
  Status,
  SurfaceLogLine,
} from '../model/surface.ts';
import { refusalOf } from './guard.ts';
import { METRICS_TYPE, type MetricTotals, metricsText } from './metrics-text.ts';
import { auditQuery, explainQuery, logsQuery, planQuery, statusQuery, tipQuery } from './query.ts';
import { TokenFile } from './token.ts';

/** Where the answers come from. Nothing here changes anything. Signals abort when the client has gone. */
export interface StatusPorts {
  status(about: { readonly commit: string | null }, signal: AbortSignal): Promise<Status>;
  planFor(options: { readonly ref: string | null }, signal: AbortSignal): Promise<PlanDocument>;
  audit(filter: AuditFilter, signal: AbortSignal): AsyncIterable<AuditLine>;
  /** Resolves as soon as it is known that there is such a log; throws `not-found` if not. */
  logs(query: LogsQuery, signal: AbortSignal): Promise<AsyncIterable<SurfaceLogLine>>;
  /** The commit of the followed branch, or of what another environment comes from, listed now. Who asks often gets one listing shared. */
  tip(options: { readonly env: string | null }, signal: AbortSignal): Promise<string>;
  /** What the gateways have counted. */
  metrics(): Promise<MetricTotals>;
  /** Throws `not-found` where there is no such app. */
  explain(query: ExplainQuery, signal: AbortSignal): Promise<Explanation>;
}

/** What the API needs. */
export interface StatusDeps {
  readonly ports: StatusPorts;
  /** The settings as they are now. */
  readonly settings: () => Pick<Settings, 'status' | 'gateway'>;
  readonly onFault: (message: string, error: unknown) => void;
}

// That search engines are to stay away say the gateways, which answer for this host when nobody is here.
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

/** The read-only API of the status host: GET and HEAD, JSON, errors as `{ error: { code, message, hint } }`. */
export function statusApp(deps: StatusDeps): Express {
  const { ports } = deps;
  const app = express();
  app.disable('x-powered-by').disable('etag').set('query parser', 'simple').set('case sensitive routing', true);
  app.use(securityHeaders, onlyReads, guarded(deps));
  app.get('/', (_request, response) => {
    response.type('html').send(FIRST_PAGE);
  });
  app.get('/metrics', async (_request, response) => {
    response.set('content-type', METRICS_TYPE).end(metricsText(await ports.metrics()));
  });
  app.get('/api/v1/status', async (request, response) => {
    response.json(await ports.status(statusQuery(request.query), goneSignal(response)));
  });
  app.get('/api/v1/plan', async (request, response) => {
    response.json(await ports.planFor(planQuery(request.query), goneSignal(response)));
  });
  app.get('/api/v1/tip', async (request, response) => {
    response.json({ commit: await ports.tip(tipQuery(request.query), goneSignal(response)) });
  });
  app.get('/api/v1/explain', async (request, response) => {
    response.json(await ports.explain(explainQuery(request.query), goneSignal(response)));
  });
  app.get('/api/v1/audit', async (request, response) => {
    const lines = ports.audit(auditQuery(request.query), goneSignal(response));
    await sendLines(request, response, { lines: await begun(lines), deps });
  });
  app.get('/api/v1/logs', async (request, response) => {
    const lines = await ports.logs(logsQuery(request.query), goneSignal(response));
    await sendLines(request, response, { lines, deps });
  });
  app.use((request, response) => {
    sendProblem(response, 404, {
      code: 'not-found',
      message: `there is no ${JSON.stringify(request.path)}`,
      hint: null,
    });
  });
  app.use(onError(deps));
  return app;
}

const securityHeaders: RequestHandler = (_request, response, next) => {
  response.set(HEADERS);
  next();
};

const onlyReads: RequestHandler = (request, response, next) => {
  if (request.method === 'GET' || request.method === 'HEAD') return next();
  response.set('allow', 'GET, HEAD');
  sendProblem(response, 405, {
    code: 'usage',
    message: 'only GET and HEAD are answered',
    hint: 'To change what runs, change git.',
  });
};

function guarded({ settings, onFault }: StatusDeps): RequestHandler {
  const token = new TokenFile((error) => onFault('the token of the status host', error));
  return async (request, response, next) => {
    const { status, gateway } = settings();
    const asker = {
      path: request.path,
      host: request.headers.host,
      peer: request.get(PEER_HEADER),
      fetchSite: request.get('sec-fetch-site'),
      fetchMode: request.get('sec-fetch-mode'),
      hasToken: await token.matches(status.tokenFile, request.headers.authorization),
    };
    const door = {
      statusHost: status.host,
      isBehindProxy: gateway.trustedProxies.length > 0,
      isTokenSet: status.tokenFile !== null,
    };
    const refusal = refusalOf(asker, door);
    if (refusal === null) return next();
    if (refusal.status === 401) response.set('www-authenticate', 'Bearer realm="mainspring"');
    sendProblem(response, refusal.status, refusal);
  };
}

/** Aborts when the client has gone (or the answer is complete). */
function goneSignal(response: Response): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  return gone.signal;
}

/** Waits for the first item, so that what is wrong from the start is an error and not a broken stream. */
async function begun<T>(items: AsyncIterable<T>): Promise<AsyncIterable<T>> {
  const iterator = items[Symbol.asyncIterator]();
  const first = await iterator.next();
  return (async function* () {
    if (first.done) return;
    yield first.value;
    yield* { [Symbol.asyncIterator]: () => iterator };
  })();
}

interface Lines {
  readonly lines: AsyncIterable<unknown>;
  readonly deps: StatusDeps;
}

/** One JSON value a line, as they come. A fault on the way breaks the answer off, so that nobody takes it for whole. */
async function sendLines(request: Request, response: Response, { lines, deps }: Lines): Promise<void> {
  response.type('application/x-ndjson');
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  response.flushHeaders();
  try {
    await pipeline(Readable.from(asText(lines)), response);
  } catch (error) {
    const hasClientGone = error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
    if (!hasClientGone && !isAbort(error)) deps.onFault(`${request.path} broke off`, error);
  }
}

async function* asText(lines: AsyncIterable<unknown>): AsyncIterable<string> {
  for await (const line of lines) yield `${JSON.stringify(line)}\n`;
}

function onError({ onFault }: StatusDeps): ErrorRequestHandler {
  return (error, request, response, _next) => {
    if (response.destroyed || isAbort(error)) return void response.destroy();
    const problem = problemOf(error);
    if (problem.code === 'unexpected') onFault(`${request.method} ${request.path}`, error);
    sendProblem(response, statusOf(problem), problem);
  };
}

function statusOf({ code, retry }: Problem): number {
  const byCode: Partial<Record<ErrorCode, number>> = {
    usage: 400,
    'not-permitted': 403,
    'not-found': 404,
    'git-ref-missing': 404,
    'timed-out': 504,
    unexpected: 500,
  };
  return byCode[code] ?? (retry === 'needs-human' ? 500 : 503);
}

function sendProblem(
  response: Response,
  status: number,
  { code, message, hint }: Pick<Problem, 'code' | 'message' | 'hint'>,
): void {
  response.status(status).json({ error: { code, message, hint } });
}

const FIRST_PAGE = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Mainspring</title>
<h1>Mainspring</h1>
<p>What's on main is what runs. Pages come with a later version; this is what there is to read:</p>
<ul>
<li><a href="/api/v1/status">status</a>: what runs</li>
<li><a href="/api/v1/plan">plan</a>: what would change</li>
<li><a href="/api/v1/audit">audit</a>: what happened, and which commit caused it</li>
</ul>
</html>
`;
