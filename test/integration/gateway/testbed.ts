import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import Database from 'better-sqlite3';
import { type ControlServer, startControlServer } from '../../../src/gateway/control/control-server.ts';
import { type Gateway, startGateway } from '../../../src/gateway/gateway.ts';
import type { GatewayConfig } from '../../../src/gateway/gateway-config.ts';
import type { HeldTarget, RouteRow, RouteTarget, Vacancy } from '../../../src/model/routing.ts';
import { gatewayConfigIn } from '../../support/gateway-config.ts';

/** A gateway with a store, a controller's end of the control socket, and whatever upstreams a test makes. */
export interface TestGateway {
  readonly gateway: Gateway;
  readonly control: ControlServer;
  readonly port: number;
  readonly dir: string;
  readonly hints: string[];
  /** Apps that the gateway asked to be woken, as `ENV APP`. */
  readonly wakes: string[];
  /** Writes a route (null: a tombstone) as the switch does, announces it and waits until the gateway has applied it. */
  route(place: string, target: RouteTarget | HeldTarget | null, options?: ServeOptions): Promise<void>;
  /** Writes, as a change of a deployment does, why an app does not serve; null: it is not to be there any more. */
  vacate(place: string, vacancy: Pick<Vacancy, 'why' | 'reason'> | null): Promise<void>;
  /** Writes a route without a word. Gives its generation. */
  routeSilently(place: string, target: RouteTarget | HeldTarget | null, options?: ServeOptions): number;
  /** A request to the gateway, by any Host. */
  fetch(url: string, init?: RequestInit): Promise<Response>;
  /** Sends bytes as they are; gives all that comes back until the gateway closes, or until `isDone`. */
  raw(bytes: string, isDone?: (text: string) => boolean): Promise<string>;
}

/** What a test's route says beside its target. */
type ServeOptions = Partial<Omit<NonNullable<RouteRow['serve']>, 'instance' | 'target'>> & { instance?: string };

export const GOING: AbortSignal = new AbortController().signal;

/** Makes the routes table as the migrations do. */
export function createRoutes(dbPath: string): Database.Database {
  const database = new Database(dbPath);
  database.pragma('journal_mode = WAL');
  database.exec(
    'CREATE TABLE IF NOT EXISTS routes (host TEXT NOT NULL, path TEXT NOT NULL, generation INTEGER NOT NULL, env TEXT NOT NULL, app TEXT NOT NULL, serve TEXT, vacancy TEXT, PRIMARY KEY (host, path)) STRICT; CREATE INDEX IF NOT EXISTS routes_by_generation ON routes (generation);',
  );
  return database;
}

/** Starts a gateway on a free port; everything of it is gone after the test. */
export async function startTestGateway(
  t: TestContext,
  overrides: Partial<GatewayConfig> = {},
  { withStore = true }: { readonly withStore?: boolean } = {},
): Promise<TestGateway> {
  const dir = mkdtempSync(join(tmpdir(), 'gateway-'));
  mkdirSync(join(dir, 'run'));
  const config = gatewayConfigIn(dir, { drainMs: 50, ...overrides });
  const database = createRoutes(withStore ? config.dbPath : ':memory:');
  const hints: string[] = [];
  const wakes: string[] = [];
  const control = await startControlServer({
    socketPath: config.controlSocket,
    onHint: (hook) => hints.push(hook),
    onWake: (env, app) => wakes.push(`${env} ${app}`),
  });
  const gateway = await startGateway(config, { id: `test-${dir}`, pid: process.pid, log: () => {} });
  t.after(async () => {
    await gateway.stop();
    await control.close().catch(() => {});
    database.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const port = gateway.addresses[0]?.port ?? 0;
  let generation = 0;
  const upsert = database.prepare('INSERT OR REPLACE INTO routes VALUES (?, ?, ?, ?, ?, ?, ?)');
  const routeSilently: TestGateway['routeSilently'] = (place, target, options = {}) => {
    const { host, path } = splitPlace(place);
    generation += 1;
    const serve =
      target === null ? null : { instance: `i-${generation}`, target, stripPath: true, noindex: false, ...options };
    upsert.run(host, path, generation, 'prod', place, json(serve as RouteRow['serve']), null);
    return generation;
  };
  const announced = async (written: number) => {
    control.announce(written);
    await control.applied(written, AbortSignal.timeout(5_000));
  };
  const vacate: TestGateway['vacate'] = (place, standing) => {
    const { host, path } = splitPlace(place);
    generation += 1;
    const vacancy = standing === null ? null : { env: 'feature-x', app: place, ...standing };
    upsert.run(host, path, generation, 'feature-x', place, null, json(vacancy));
    return announced(generation);
  };
  return {
    gateway,
    control,
    port,
    dir,
    hints,
    wakes,
    routeSilently,
    vacate,
    route: (place, target, options) => announced(routeSilently(place, target, options)),
    fetch: (url, init) => fetchFrom(port, url, init),
    raw: (bytes, isDone) => rawExchange(port, bytes, isDone),
  };
}

function json(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}

function splitPlace(place: string): { host: string; path: string } {
  const slash = place.indexOf('/');
  return { host: place.slice(0, slash), path: place.slice(slash) };
}

/** `fetch` resolves names by itself, so `*.localhost` goes to the gateway's port by the URL's host and the Host header by its name. */
async function fetchFrom(port: number, url: string, init: RequestInit = {}): Promise<Response> {
  const { host, path } = splitPlace(url);
  const { Agent, fetch: undiciFetch } = await import('undici');
  const dispatcher = new Agent({
    connect: { lookup: (_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]) },
  });
  const answer = undiciFetch(`http://${host}:${port}${path}`, { redirect: 'manual', ...init, dispatcher } as never);
  return (await answer) as unknown as Response;
}

/** Sends bytes as they are; gives what comes back until the other side closes or `isDone` says so. */
export function rawExchange(
  port: number,
  bytes: string,
  isDone: (text: string) => boolean = () => false,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    const finish = () => {
      socket.destroy();
      resolve(text);
    };
    socket.setTimeout(5_000, () => reject(new Error(`no end within 5 s; so far: ${text}`)));
    socket.on('error', finish);
    socket.on('close', finish);
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (isDone(text)) finish();
    });
    socket.write(bytes, 'latin1');
  });
}

/** An HTTP upstream. */
export async function httpUpstream(
  t: TestContext,
  listener: RequestListener,
  onUpgrade?: (request: IncomingMessage, socket: Socket, head: Buffer) => void,
): Promise<RouteTarget & { kind: 'http' }> {
  const server = createServer(listener);
  if (onUpgrade !== undefined) server.on('upgrade', onUpgrade as never);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { kind: 'http', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, external: false };
}

/** An upstream of bytes: hears each connection. */
export async function tcpUpstream(
  t: TestContext,
  onSocket: (socket: Socket) => void,
): Promise<RouteTarget & { kind: 'http' }> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { kind: 'http', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, external: false };
}

/** Answers with what was asked: method, URL, headers (flat, as sent) and body. */
export async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { method, url, rawHeaders } = request;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ method, url, rawHeaders, body: Buffer.concat(chunks).toString('latin1') }));
}

/** Waits until the condition holds; fails after the limit. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what: string,
  limitMs = 5_000,
): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
