import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';
import type { InstanceId } from '../model/ids.ts';
import { isLoopback } from '../model/peer.ts';
import { parseAllow } from '../model/proxy-target.ts';
import { openRouteReader } from '../store/route-reader.ts';
import { ANSWERS, rawAnswer } from './answer.ts';
import { ClientConnections } from './clients/client-connections.ts';
import { ClientGate } from './clients/client-gate.ts';
import { ClientResponse, KEEP_ALIVE_SECONDS } from './clients/client-response.ts';
import { trustOf } from './clients/peer.ts';
import { RandomHex } from './clients/random-hex.ts';
import type { ParseFault } from './clients/unreadable.ts';
import { ControlClient } from './control/control-client.ts';
import { InFlight } from './control/in-flight.ts';
import { socketFolder } from './control/socket-path.ts';
import type { GatewayConfig, GatewayLog } from './gateway-config.ts';
import { Hooks } from './hooks.ts';
import { makeObservation } from './observe/observation.ts';
import { isUpgrade } from './reading/request-kind.ts';
import { RequestHandler } from './request-handler.ts';
import { RouteFeed } from './routing/route-feed.ts';
import { RouteTable } from './routing/route-table.ts';
import { staticParts } from './static/serve-static.ts';
import { cookieRule } from './upstream/cookie-rule.ts';
import { Tunnels } from './upstream/tunnels.ts';
import { Upstreams } from './upstream/upstreams.ts';
import { AppQueue, QUEUE_WAIT_MS } from './waiting/app-queue.ts';
import { useRule } from './waiting/use.ts';
import { HOLD_LIMITS, WaitingRoom } from './waiting/waiting-room.ts';
import { Waker } from './waiting/waker.ts';

/** A gateway that is serving. */
export interface Gateway {
  readonly addresses: readonly AddressInfo[];
  /** Whether it holds a table. */
  isReady(): boolean;
  /** The newest generation it follows. */
  generation(): number;
  /** What is in flight to apps. */
  inFlight(): number;
  /** Whether it is connected to a controller. */
  isControlled(): boolean;
  /** How many requests wait for held routes. */
  held(): number;
  /** How many wait because their app may not get more at once. */
  queued(): number;
  /** Ends the tunnels to an instance whose time is over: WebSockets with a close frame (1001). The rest of what is in flight goes on. */
  endTunnels(instance: InstanceId): void;
  /** Stops accepting, lets requests finish within the drain time, then closes everything. Safe to call twice. */
  stop(): Promise<void>;
}

/** Who a gateway process is, and where it writes its log. */
export interface GatewayIdentity {
  /** Unique by process start. */
  readonly id: string;
  readonly pid: number;
  readonly log: GatewayLog;
}

const UPSTREAM = { connections: 512, connectMs: 5_000, headMs: 120_000, idleMs: 1_900 };
const POOL_WAIT = { waiting: 1_024, waitMs: 10_000 };
// A client that is just about to use an idle connection again gets an answer and is told to close; only then is it closed.
const LINGER_MS = 1_000;
// What is left of the drain time when WebSockets are told that it is over; ending one takes up to two seconds.
const TUNNEL_END_MS = 2_200;

/** Starts serving. The table is read before the first connection is accepted, if there is a store to read it from. */
export async function startGateway(config: GatewayConfig, identity: GatewayIdentity): Promise<Gateway> {
  const parts = assemble(config, identity);
  parts.feed.start();
  const servers = await Promise.all(config.listen.map((address) => listen(makeServer(config, parts), address)));
  parts.control.start();
  return makeGateway(config, parts, servers);
}

type ClientServer = Server<typeof IncomingMessage, typeof ClientResponse>;
type Parts = ReturnType<typeof assemble>;

function assemble(config: GatewayConfig, { id, pid, log }: GatewayIdentity) {
  const room = new WaitingRoom(config.hold ?? HOLD_LIMITS, () => performance.now());
  const queue = new AppQueue(config.queueMs ?? QUEUE_WAIT_MS);
  const waker = new Waker({
    wake: (env, app) => control.send({ type: 'wake', env, app }),
    isWanted: (place) => room.isAwaited(place),
  });
  const table = new RouteTable((rows, left) => {
    for (const target of left) upstreams.retire(target);
    waker.rowsApplied(rows);
    observation.meters.rowsApplied(rows);
    room.rowsApplied(rows);
  });
  const reader = openRouteReader(config.dbPath);
  const report = coalesced(() => control.send({ type: 'use', ...inFlight.report() }));
  const inFlight = new InFlight(() => performance.now(), report);
  const readSince = (generation: number) => reader.readSince(generation);
  const onApplied = (generation: number) => control.send({ type: 'applied', generation });
  const feed = new RouteFeed({ table, readSince, onApplied, pollMs: config.pollMs ?? 1_000 });
  const tunnels = new Tunnels();
  const control: ControlClient = new ControlClient({
    socketPath: config.controlSocket,
    id,
    pid,
    generation: () => table.generation,
    onRoutes: (generation) => feed.notified(generation),
    onWatch: (instance) => {
      inFlight.watch(instance);
      report();
    },
    onCount: (question, options) => void observation.report.answer(question, options),
    onEnd: (instance) => tunnels.endInstance(instance),
    onAsk: (instance) => control.send({ type: 'use', ...inFlight.reportOf([instance]) }),
  });
  const hooks = makeHooks(config, (hook) => control.send({ type: 'hint', hook }), log);
  const upstreams = makeUpstreams(config);
  const clients = new ClientConnections();
  const isTrusted = trustOf(config.trustedProxies);
  const gate = new ClientGate({ ...config, ...config.limits, isTrusted });
  const addressOf = (socket: Socket) => gate.addressOf(socket);
  const observation = makeObservation(config, {
    isTrusted,
    addressOf,
    log,
    send: (message) => control.send(message),
    generation: () => table.generation,
    waiting: () => room.size + queue.size,
  });
  const serving = { table, inFlight, room, queue, waker, upstreams, clients, tunnels };
  const handler = new RequestHandler({
    ...serving,
    ...rulesOf(config),
    observer: observation.observer,
    hasTable: () => feed.hasTable,
    trees: staticParts(),
    hooks,
    canWake: () => control.isConnected,
    isTrusted,
    random: new RandomHex(),
    addressOf,
    onError: (error, request) => log('error', 'a request failed', { error: String(error), request }),
  });
  return { ...serving, reader, feed, control, gate, handler, observation };
}

/** What the configuration alone says about how requests are answered. */
function rulesOf(config: GatewayConfig) {
  return {
    isUse: useRule(config),
    // As for the status pages; a token is nothing that apps are sent.
    maySeeWhy: (address: string) => config.trustedProxies.length === 0 && isLoopback(address),
    limits: config.limits,
    bodyTimeoutMs: config.limits.bodyTimeoutMs,
    cookie: cookieRule(config),
    statusHost: config.statusHost,
    statusSocket: config.statusSocket,
    envDomain: config.envDomain,
  };
}

function makeUpstreams(config: GatewayConfig): Upstreams {
  const upstream = { ...UPSTREAM, ...config.upstream };
  return new Upstreams({
    allow: parseAllow(config.proxyAllow, [config.controlSocket, config.statusSocket].map(socketFolder)),
    timeouts: upstream,
    limits: { connections: upstream.connections, ...POOL_WAIT },
  });
}

function makeHooks({ hooks, limits }: GatewayConfig, onHint: (hook: string) => void, log: GatewayLog): Hooks {
  return new Hooks({
    hooks,
    maxBodyBytes: limits.hookBodyBytes,
    onHint,
    onSecretFault: (hook, error) => log('warn', `hook "${hook}": its secret cannot be read`, { error: String(error) }),
  });
}

/** Many changes in one turn of the event loop are one message. */
function coalesced(send: () => void): () => void {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    setImmediate(() => {
      isDue = false;
      send();
    });
  };
}

function makeServer({ limits }: GatewayConfig, { handler, clients, gate, observation }: Parts): ClientServer {
  const server: ClientServer = createServer({
    ServerResponse: ClientResponse,
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headerTimeoutMs,
    // Uploads may take as long as they take.
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_SECONDS * 1_000,
    connectionsCheckingInterval: Math.min(1_000, limits.headerTimeoutMs),
    noDelay: true,
    requireHostHeader: false,
    // Whatever options the process was started with.
    insecureHTTPParser: false,
    shouldUpgradeCallback: (request) => isUpgrade(request) && clients.current(request.socket) === undefined,
    // A request without a body needs no stream.
    optimizeEmptyRequests: true,
  });
  // Node would drop the headers past its count without a word; the size limit bounds them.
  server.maxHeadersCount = 0;
  server.maxConnections = limits.connections;
  // A client may end its side when it has asked. Node knows this setting, its types do not.
  Object.assign(server, { httpAllowHalfOpen: true });
  const handle = handler.handle.bind(handler);
  const refuse = (request: IncomingMessage, response: ClientResponse) =>
    handler.refuseFirst(request, response, ANSWERS.badExpectation);
  server.on('connection', (socket) => clients.watch(socket));
  server.on('request', (request, response) => clients.enter(request, response, handle));
  server.on('checkContinue', (request, response) => clients.enter(request, response, handle));
  server.on('checkExpectation', (request, response) => clients.enter(request, response, refuse));
  server.on('upgrade', (request, socket, head) => handler.handleUpgrade(request, socket as Socket, head));
  server.on('connect', (_request, socket) => {
    socket.on('error', () => socket.destroy());
    socket.end(rawAnswer({ status: 405, title: 'Method not allowed', text: 'CONNECT is not for this server.' }));
  });
  server.on('clientError', (error, socket) => handler.handleUnreadable(error as ParseFault, socket as Socket));
  gate.guard(server);
  observation.traffic.watch(server);
  return server;
}

function listen(server: ClientServer, address: GatewayConfig['listen'][number]): Promise<ClientServer> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const where = 'fd' in address ? { fd: address.fd } : { host: address.host, port: address.port };
    server.listen({ ...where, backlog: 4_096 }, () => {
      server.off('error', reject);
      resolve(server);
    });
  });
}

function makeGateway(config: GatewayConfig, parts: Parts, servers: readonly ClientServer[]): Gateway {
  let stopped: Promise<void> | undefined;
  return {
    addresses: servers.map((server) => server.address() as AddressInfo),
    isReady: () => parts.feed.hasTable,
    generation: () => parts.table.generation,
    inFlight: () => parts.inFlight.total,
    isControlled: () => parts.control.isConnected,
    held: () => parts.room.size,
    queued: () => parts.queue.size,
    endTunnels: (instance) => parts.tunnels.endInstance(instance),
    stop: () => {
      stopped ??= stop(config, parts, servers);
      return stopped;
    },
  };
}

async function stop({ drainMs }: GatewayConfig, parts: Parts, servers: readonly ClientServer[]): Promise<void> {
  const deadline = performance.now() + drainMs;
  const closing = deadline - Math.min(TUNNEL_END_MS, drainMs / 2);
  parts.handler.startDraining();
  parts.gate.close();
  // They would be there for as long as they may: their clients come back to a gateway that stays.
  parts.tunnels.endProperly();
  // The closing of http.Server ends idle connections at once, on which a request may be under way just now.
  const closed = servers.map((server) => new Promise((resolve) => NetServer.prototype.close.call(server, resolve)));
  const allClosed = Promise.all(closed).then(() => 'closed' as const);
  await Promise.race([allClosed, pause(Math.min(LINGER_MS, drainMs))]);
  while (performance.now() < deadline) {
    for (const server of servers) server.closeIdleConnections();
    if (performance.now() >= closing) parts.tunnels.endAll();
    else parts.tunnels.endProperly();
    if ((await Promise.race([allClosed, pause(50)])) === 'closed') break;
  }
  parts.tunnels.cutAll();
  for (const server of servers) {
    server.closeAllConnections();
    // Ends what http.Server keeps beside its connections.
    server.close(() => {});
  }
  parts.feed.stop();
  parts.waker.close();
  const observed = parts.observation.close();
  parts.control.stop();
  parts.upstreams.close();
  parts.reader.close();
  await observed;
}

function pause(ms: number): Promise<'waited'> {
  return new Promise((resolve) => setTimeout(resolve, ms, 'waited'));
}
