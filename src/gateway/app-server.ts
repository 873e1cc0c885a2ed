import type { RouteTarget } from '../model/routing.ts';
import { ANSWERS, type Answer, markNoindex } from './answer.ts';
import { answerCall, type Call } from './call.ts';
import { awaitBody, isBodyAwaited } from './clients/await-body.ts';
import type { Peer } from './clients/peer.ts';
import type { RandomHex } from './clients/random-hex.ts';
import { traceLines } from './clients/trace-context.ts';
import type { InFlight } from './control/in-flight.ts';
import { redirectToFolder } from './redirect-to-folder.ts';
import type { LiveRoute, RouteTable } from './routing/route-table.ts';
import { type StaticParts, serveStatic } from './static/serve-static.ts';
import type { CookieRule } from './upstream/cookie-rule.ts';
import { proxyRequest } from './upstream/proxy-request.ts';
import { upstreamPath } from './upstream/target-path.ts';
import type { StreamSide, StreamWatch, Tunnels } from './upstream/tunnels.ts';
import { serverOrigins, upstreamServer } from './upstream/upstream-server.ts';
import type { Upstreams } from './upstream/upstreams.ts';
import type { AbsentApps } from './waiting/absent-apps.ts';
import { admitRequest } from './waiting/admit-request.ts';
import type { AppQueue } from './waiting/app-queue.ts';
import type { IsUse } from './waiting/use.ts';
import type { Waker } from './waiting/waker.ts';

/** What apps are served with. */
export interface AppServerDeps {
  readonly upstreams: Upstreams;
  readonly table: RouteTable;
  readonly waker: Waker;
  readonly tunnels: Tunnels;
  readonly trees: StaticParts;
  readonly inFlight: InFlight;
  readonly absent: AbsentApps;
  readonly queue: AppQueue;
  readonly isUse: IsUse;
  readonly cookie: CookieRule;
  readonly random: RandomHex;
  readonly peerOf: (call: Call) => Peer;
  readonly bodyTimeoutMs: number;
  readonly isDraining: () => boolean;
  /** Finds the route of a request that has waited, from the start. */
  readonly lookAgain: (call: Call) => void;
  readonly onFailed: (call: Call, error: unknown) => void;
}

/** What follows when a request is passed on. */
interface Followed {
  /** Nothing listens there, and nothing of the request is spent. */
  readonly onLost: () => void;
  readonly streamWatch: StreamWatch;
}

/** What is said on a stream after so long without use may be said to something that is asleep. */
const QUIET_MS = 500;

/** Serves requests of which the route is known, from whatever it leads to. */
export class AppServer {
  readonly #deps: AppServerDeps;

  constructor(deps: AppServerDeps) {
    this.#deps = deps;
  }

  serve(call: Call, route: LiveRoute): void {
    const upstream = route.serve.target;
    if (lacksSlash(call, route)) addSlash(call, route);
    else if (upstream.kind === 'http' && isBodyAwaited(call, route.serve.limits)) this.#await(call, route);
    else if (upstream.kind === 'http' || upstream.kind === 'static')
      admitRequest(this.#deps, call, route, () => this.#serveFrom(upstream, call, route));
    else this.#deps.absent.wait(call, route);
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
    let isStream = false;
    const leave = () => inFlight.leave(use, { countsAsUse, isStream });
    const watch: StreamWatch = {
      opened: () => {
        isStream = true;
        inFlight.becomeStream(use);
        if (countsAsUse) inFlight.used(use);
      },
      used: (by) => {
        if (countsAsUse) this.#onStreamUsed(inFlight.used(use), by, route);
      },
    };
    call.response.on('close', leave);
    if (upstream.kind === 'static') this.#serveTree(call, route, upstream);
    else
      this.#serveProxied(call, route, upstream, {
        streamWatch: watch,
        onLost: () => {
          call.response.off('close', leave);
          leave();
          this.#deps.absent.lost(call, route);
        },
      });
  }

  /** What is paused keeps its streams. What a client says on one wakes it, like a request does. */
  #onStreamUsed(idleMs: number, by: StreamSide, { row, serve }: LiveRoute): void {
    if (by !== 'client' || idleMs < QUIET_MS) return;
    const now = this.#deps.table.find(row.host, row.path);
    if (now?.serve.instance === serve.instance && now.serve.target.kind === 'asleep')
      this.#deps.waker.wake(now.row.env, now.row.app);
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

  #serveProxied(
    call: Call,
    route: LiveRoute,
    upstream: RouteTarget & { readonly kind: 'http' },
    { onLost, streamWatch }: Followed,
  ): void {
    const { request, response, target, upgrade } = call;
    const { upstreams, tunnels, peerOf, cookie, isDraining, bodyTimeoutMs } = this.#deps;
    const { instance } = route.serve;
    const { base, foreign } = upstreamServer(upstream);
    const prefix = route.serve.stripPath && route.depth > 0 ? route.row.path : '';
    proxyRequest(request, response, {
      pool: upstreams.forTarget(upstream),
      path: upstreamPath(route, base, target.path.sent) + target.query,
      host: foreign === undefined ? target.authority : foreign.host,
      peer: peerOf(call),
      extra: `X-Request-Id: ${response.requestId}\r\n${traceLines(request.headers, this.#deps.random)}`,
      prefix,
      noindex: call.noindex || route.serve.noindex,
      cookie,
      isDraining,
      maxBodyBytes: route.serve.limits?.bodyBytes,
      bodyTimeoutMs,
      locations: () => ({
        upstreamOrigins: serverOrigins(upstream, target.authority),
        base,
        prefix,
        hosts: foreign === undefined ? undefined : { upstream: foreign.hostname, client: target.host },
      }),
      upgrade,
      streams: tunnels,
      streamWatch,
      instance,
      // What is somebody else's is not started again by us.
      onUnreachable: upstream.external ? undefined : onLost,
      isRelayed: upstream.relayed === true,
    });
  }
}

/** Whether a page is asked for at the bare path of an app that wants it asked for below. */
function lacksSlash({ request, target, upgrade }: Call, { row, serve, depth }: LiveRoute): boolean {
  if (serve.slash !== true || depth === 0 || upgrade !== undefined || target.path.decoded !== row.path) return false;
  return request.method === 'GET' || request.method === 'HEAD';
}

function addSlash({ response, target, noindex }: Call, { serve }: LiveRoute): void {
  response.record.answer = 'Found';
  if (noindex || serve.noindex) markNoindex(response);
  redirectToFolder(response, target.path.sent, target.query);
}
