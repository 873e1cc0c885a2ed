import type { RouteTarget } from '../model/routing.ts';
import { ANSWERS, type Answer } from './answer.ts';
import { answerCall, type Call } from './call.ts';
import { awaitBody, isBodyAwaited } from './clients/await-body.ts';
import type { Peer } from './clients/peer.ts';
import type { RandomHex } from './clients/random-hex.ts';
import { traceLines } from './clients/trace-context.ts';
import type { InFlight } from './control/in-flight.ts';
import type { RequestTarget } from './reading/request-target.ts';
import type { LiveRoute } from './routing/route-table.ts';
import { type StaticParts, serveStatic } from './static/serve-static.ts';
import type { CookieRule } from './upstream/cookie-rule.ts';
import { proxyRequest } from './upstream/proxy-request.ts';
import { basePath, upstreamPath } from './upstream/target-path.ts';
import type { Tunnels } from './upstream/tunnels.ts';
import type { Upstreams } from './upstream/upstreams.ts';
import { admitRequest } from './waiting/admit-request.ts';
import type { AppQueue } from './waiting/app-queue.ts';
import { holdRequest } from './waiting/hold-request.ts';
import type { IsUse } from './waiting/use.ts';
import type { WaitingRoom } from './waiting/waiting-room.ts';
import type { Waker } from './waiting/waker.ts';

/** What apps are served with. */
export interface AppServerDeps {
  readonly upstreams: Upstreams;
  readonly tunnels: Tunnels;
  readonly trees: StaticParts;
  readonly inFlight: InFlight;
  readonly room: WaitingRoom;
  readonly queue: AppQueue;
  readonly waker: Waker;
  readonly isUse: IsUse;
  /** Whether there is a controller, without which nothing wakes. */
  readonly canWake: () => boolean;
  readonly cookie: CookieRule;
  readonly random: RandomHex;
  readonly peerOf: (call: Call) => Peer;
  readonly bodyTimeoutMs: number;
  readonly isDraining: () => boolean;
  /** Finds the route of a request that has waited, from the start. */
  readonly lookAgain: (call: Call) => void;
  readonly onFailed: (call: Call, error: unknown) => void;
}

// What wakes within this time just answers; a person who waits for longer is told what goes on.
const PAGE_AFTER_MS = 1_000;
// A controller that is away may be back in a moment.
const UNHEARD_MS = 3_000;

/** Serves requests of which the route is known, from whatever it leads to. */
export class AppServer {
  readonly #deps: AppServerDeps;

  constructor(deps: AppServerDeps) {
    this.#deps = deps;
  }

  serve(call: Call, route: LiveRoute): void {
    const upstream = route.serve.target;
    if (upstream.kind === 'asleep') this.#wake(call, route);
    else if (upstream.kind === 'held') this.#hold(call, route, ANSWERS.held);
    else if (upstream.kind === 'http' && isBodyAwaited(call, route.serve.limits)) this.#await(call, route);
    else admitRequest(this.#deps, call, route, () => this.#serveFrom(upstream, call, route));
  }

  /** What nobody uses is woken by whoever wants to use it, and waits for that; a browser that waits for long is shown that something goes on. */
  #wake(call: Call, route: LiveRoute): void {
    const { waker, isUse, canWake, room } = this.#deps;
    if (!isUse(call.request, call.target.path.decoded)) {
      this.#refuse(call, route, ANSWERS.asleep);
      return;
    }
    const patienceMs = showsPages(call) ? PAGE_AFTER_MS : canWake() ? undefined : UNHEARD_MS;
    const heldUntil =
      call.heldUntil ?? Math.min(room.deadline(), performance.now() + (patienceMs ?? Number.POSITIVE_INFINITY));
    call.response.record.isWoken = true;
    this.#hold({ ...call, heldUntil }, route, ANSWERS.waking);
    waker.want(route.row);
  }

  #await(call: Call, route: LiveRoute): void {
    const { bodyTimeoutMs: timeoutMs, lookAgain: onReady } = this.#deps;
    const onStalled = () => {
      call.response.shouldKeepAlive = false;
      this.#refuse(call, route, ANSWERS.timeout);
    };
    awaitBody(call, { timeoutMs, onReady, onStalled });
  }

  #serveFrom(upstream: RouteTarget, call: Call, route: LiveRoute): void {
    const { inFlight, isUse } = this.#deps;
    const use = inFlight.enter(route.serve.instance);
    const countsAsUse = isUse(call.request, call.target.path.decoded);
    call.response.once('close', () => inFlight.leave(use, { countsAsUse }));
    if (upstream.kind === 'http') this.#serveProxied(call, route, upstream);
    else this.#serveTree(call, route, upstream);
  }

  /** What waits is in flight nowhere: the instance that the row still names stops when nothing is on it any more. */
  #hold({ share, ...call }: Call, route: LiveRoute, answer: Answer): void {
    call.response.record.isHeld = true;
    share?.release();
    const { room, lookAgain } = this.#deps;
    const refuse = () => this.#refuse(call, route, answer);
    holdRequest(room, { call, place: route.row, onRow: lookAgain, onRefused: refuse });
  }

  #refuse(call: Call, { serve }: LiveRoute, answer: Answer): void {
    if (this.#deps.isDraining()) call.response.shouldKeepAlive = false;
    answerCall({ ...call, noindex: call.noindex || serve.noindex }, answer);
  }

  #serveTree(call: Call, route: LiveRoute, tree: RouteTarget & { readonly kind: 'static' }): void {
    const { request, response, target } = call;
    const { decoded, sent } = target.path;
    const rest = route.depth === 0 ? decoded : decoded.slice(route.row.path.length);
    const noindex = call.noindex || route.serve.noindex;
    const wanted = { tree, rest, sentPath: sent, query: target.query, noindex };
    const served = serveStatic(this.#deps.trees, request, response, wanted);
    served?.catch((error: unknown) => this.#deps.onFailed(call, error));
  }

  #serveProxied(call: Call, route: LiveRoute, upstream: RouteTarget & { readonly kind: 'http' }): void {
    const { request, response, target, upgrade } = call;
    const { upstreams, tunnels, peerOf, cookie, isDraining, bodyTimeoutMs } = this.#deps;
    const { instance } = route.serve;
    const url = upstream.external ? new URL(upstream.url) : undefined;
    const base = url === undefined ? '' : basePath(url);
    const prefix = route.serve.stripPath && route.depth > 0 ? route.row.path : '';
    proxyRequest(request, response, {
      pool: upstreams.forTarget(upstream),
      path: upstreamPath(route, base, target.path.sent) + target.query,
      host: url === undefined ? target.authority : url.host,
      peer: peerOf(call),
      extra: `X-Request-Id: ${response.requestId}\r\n${traceLines(request.headers, this.#deps.random)}`,
      prefix,
      noindex: call.noindex || route.serve.noindex,
      cookie,
      isDraining,
      maxBodyBytes: route.serve.limits?.bodyBytes,
      bodyTimeoutMs,
      locations: () => ({
        upstreamOrigins: ownOrigins(upstream, target),
        base,
        prefix,
        hosts: url === undefined ? undefined : { upstream: url.hostname, client: target.host },
      }),
      upgrade,
      streams: tunnels,
      instance,
    });
  }
}

/** What an app may take itself for in a `Location`: its own address, or the public one that it was told. */
function ownOrigins(upstream: RouteTarget & { readonly kind: 'http' }, target: RequestTarget): string[] {
  const own = [new URL(upstream.url).origin];
  const authority = target.authority.toLowerCase();
  return upstream.external ? own : [...own, `http://${authority}`, `https://${authority}`];
}

/** Whether somebody looks at what is answered, and would rather see a page than wait. */
function showsPages({ request, upgrade }: Call): boolean {
  const { method, headers } = request;
  if (method !== 'GET' || upgrade !== undefined) return false;
  const mode = headers['sec-fetch-mode'];
  return mode === undefined ? headers.accept?.includes('text/html') === true : mode === 'navigate';
}
