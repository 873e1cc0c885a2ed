import type { ProxyAllow } from '../../model/proxy-target.ts';
import type { RouteTarget } from '../../model/routing.ts';
import { unixTarget } from '../../model/unix-target.ts';
import { WriteBatch } from '../clients/write-batch.ts';
import { connectAllowedSocket } from './connect-socket.ts';
import { type Connect, connectExternal, connectInstance, connectUnix } from './connect-target.ts';
import type { UpstreamTimeouts } from './upstream-connection.ts';
import { type PoolLimits, UpstreamPool } from './upstream-pool.ts';

type HttpTarget = RouteTarget & { readonly kind: 'http' };

/** What holds for the connections to all upstreams. */
export interface UpstreamsOptions {
  readonly allow: ProxyAllow;
  readonly timeouts: UpstreamTimeouts;
  readonly limits: PoolLimits;
}

/** All upstreams of a gateway, by where they are. */
export class Upstreams {
  readonly #options: UpstreamsOptions;
  readonly #pools = new Map<string, UpstreamPool>();
  /** Pools that get no new exchange, until their last one has ended. */
  readonly #retired = new Set<UpstreamPool>();
  readonly #writes = new WriteBatch();
  readonly #timer: NodeJS.Timeout;

  constructor(options: UpstreamsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#sweep(), 500).unref();
  }

  /** The connections to an app's target. */
  forTarget(target: HttpTarget): UpstreamPool {
    const key = keyOf(target);
    const pool = this.#pools.get(key);
    if (pool !== undefined) return pool;
    return this.#add(key, connectorOf(target, this.#options.allow));
  }

  /** The connections to a Unix socket. */
  forSocket(path: string): UpstreamPool {
    const key = `unix ${path}`;
    return this.#pools.get(key) ?? this.#add(key, (reader) => connectUnix(path, reader));
  }

  /** No route leads there any more: what is idle is closed now, what is busy when it is done. */
  retire(target: HttpTarget): void {
    const key = keyOf(target);
    const pool = this.#pools.get(key);
    if (pool === undefined) return;
    this.#pools.delete(key);
    pool.retire();
    if (!pool.isEmpty) this.#retired.add(pool);
  }

  /** Closes all connections. */
  close(): void {
    clearInterval(this.#timer);
    for (const pool of [...this.#pools.values(), ...this.#retired]) pool.close();
    this.#pools.clear();
    this.#retired.clear();
  }

  #add(key: string, connect: Connect): UpstreamPool {
    const { timeouts, limits } = this.#options;
    const pool = new UpstreamPool({ connect, timeouts, limits, writes: this.#writes });
    this.#pools.set(key, pool);
    return pool;
  }

  #sweep(): void {
    const now = performance.now();
    for (const [key, pool] of this.#pools) {
      pool.sweep(now);
      if (pool.isEmpty) this.#pools.delete(key);
    }
    for (const pool of this.#retired) {
      pool.sweep(now);
      if (pool.isEmpty) this.#retired.delete(pool);
    }
  }
}

function connectorOf({ url, external }: HttpTarget, allow: ProxyAllow): Connect {
  const unix = external ? unixTarget(url) : undefined;
  if (unix !== undefined) return (reader) => connectAllowedSocket(unix.socket, allow, reader);
  const parsed = new URL(url);
  return (reader) => (external ? connectExternal(parsed, allow, reader) : connectInstance(parsed, reader));
}

/** External targets have pools of their own, so that no app of theirs gets a connection that was opened unjudged. */
function keyOf({ url, external }: HttpTarget): string {
  return external ? `external ${url}` : url;
}
