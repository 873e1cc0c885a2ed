import { lookup } from 'node:dns';
import { stat } from 'node:fs/promises';
import { type ClientRequest, type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { connect, isIP, type LookupFunction, type Socket } from 'node:net';
import { formatDuration } from '../model/duration.ts';
import {
  isAllowedAddress,
  isAllowedName,
  isAllowedSocket,
  type ProxyAllow,
  targetPort,
} from '../model/proxy-target.ts';
import type { RouteTarget } from '../model/routing.ts';
import { unixTarget } from '../model/unix-target.ts';
import type { Probe, ProbeResult } from './engine.ts';
import { realSocket } from './real-socket.ts';

/** What a real probe is made with. */
export interface ProbeOptions {
  /** One look takes at most so long. Default: five seconds. */
  readonly timeoutMs?: number;
  /** Addresses that external targets may have besides public ones. */
  readonly allow: ProxyAllow;
}

type Check = Parameters<Probe>[1];
type HttpTarget = RouteTarget & { readonly kind: 'http' };

const HEALTHY: ProbeResult = { healthy: true };

/**
 * Looks at a target once: a static one by its folder, any other by a GET on a connection of its own that follows no redirect (a 3xx
 * counts as what it is). A proxy app whose health is not declared (path `/`, 200) counts as healthy: its server is not ours to judge.
 */
export function createProbe({ allow, timeoutMs = 5_000 }: ProbeOptions): Probe {
  return async (target, check, signal) => {
    if (target.kind === 'static') return staticHealth(target.root);
    if (target.external && check.path === '/' && check.expect === 200) return HEALTHY;
    const limit = AbortSignal.timeout(timeoutMs);
    try {
      const { statusCode } = await get(target, check, {
        allow,
        signal: AbortSignal.any([signal, limit]),
      });
      const answers = check.expect === null ? (statusCode ?? 0) < 400 : statusCode === check.expect;
      const expected = check.expect ?? 'an answer below 400';
      return answers ? HEALTHY : sick(`GET ${check.path} answered ${statusCode}, expected ${expected}`);
    } catch (error) {
      if (limit.aborted) return sick(`GET ${check.path} gave no answer within ${formatDuration(timeoutMs)}`);
      return sick(`GET ${check.path}: ${describe(error)}`);
    }
  };
}

async function staticHealth(root: string): Promise<ProbeResult> {
  const found = await stat(root).catch(() => undefined);
  return found?.isDirectory() ? HEALTHY : sick('its files are gone');
}

interface Means {
  readonly allow: ProxyAllow;
  readonly signal: AbortSignal;
}

/** Resolves with the head of the answer; the body is not read. */
async function get(target: HttpTarget, check: Check, { allow, signal }: Means): Promise<IncomingMessage> {
  const { url, host = check.host, way } = await placeOf(target, check.path, { allow, signal });
  const headers = { Host: host, 'User-Agent': 'Mainspring-Health', Accept: '*/*', Connection: 'close' };
  // No agent: a connection that was kept could lead to a process that had the port before.
  const options: RequestOptions = { agent: false, signal, headers, ...way };
  return new Promise((resolve, reject) => {
    const request: ClientRequest = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, options);
    request.once('error', reject);
    request.once('response', (response) => {
      resolve(response);
      response.on('error', () => undefined);
      response.destroy();
    });
    request.end();
  });
}

interface ProbedPlace {
  readonly url: URL;
  /** The name that a server elsewhere is asked by; what is on this machine is asked by the app's. */
  readonly host?: string;
  readonly way: RequestOptions;
}

async function placeOf({ url, external }: HttpTarget, path: string, { allow, signal }: Means): Promise<ProbedPlace> {
  const unix = external ? unixTarget(url) : undefined;
  if (unix !== undefined)
    return { url: new URL(`http://unix${unix.base}${path}`), way: await wayToSocket(unix.socket, allow) };
  const whole = new URL(url.replace(/\/$/, '') + path);
  return external
    ? { url: whole, host: whole.host, way: wayToForeign(whole, allow) }
    : { url: whole, way: await wayToOwn(whole, signal) };
}

/** Most looks at what is starting find nobody there: that is cheaper to see than a request is to make, and seen sooner. */
async function wayToOwn(url: URL, signal: AbortSignal): Promise<RequestOptions> {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const socket = await connected({ host, port: targetPort(url) }, signal);
  return { createConnection: () => socket };
}

async function wayToSocket(path: string, allow: ProxyAllow): Promise<RequestOptions> {
  const socketPath = await realSocket(path);
  if (isAllowedSocket(socketPath, allow)) return { socketPath };
  throw new Error(`[proxy] allow does not open "${socketPath}"`);
}

function wayToForeign(url: URL, allow: ProxyAllow): RequestOptions {
  // Only names are looked up; an address in the URL itself is judged here.
  const address = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (isIP(address) !== 0 && !isAllowedAddress(address, targetPort(url), allow))
    throw new Error(`[proxy] allow does not open "${address}"`);
  return { lookup: judgedLookup(url, allow) };
}

function connected(to: { readonly host: string; readonly port: number }, signal: AbortSignal): Promise<Socket> {
  const socket = connect({ ...to, signal });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/** Resolves a name to allowed addresses only, so that a name can't lead to where its URL may not. */
function judgedLookup(url: URL, allow: ProxyAllow): LookupFunction {
  const port = targetPort(url);
  return (name, options, callback) => {
    lookup(name, { ...options, all: true }, (error, found) => {
      const fine = (found ?? []).filter(
        ({ address }) => isAllowedName(name, port, allow) || isAllowedAddress(address, port, allow),
      );
      const [first] = fine;
      if (error !== null) callback(error, '');
      else if (first === undefined) callback(new Error(`"${name}" leads to no address that [proxy] allow opens`), '');
      else if (options.all) callback(null, fine);
      else callback(null, first.address, first.family);
    });
  };
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'its socket is not there';
  if (code === 'ECONNREFUSED') return 'connection refused: nothing listens on its port or socket';
  if (code === 'ECONNRESET') return 'the connection was cut before an answer came';
  return error.message;
}

function sick(reason: string): ProbeResult {
  return { healthy: false, reason };
}
