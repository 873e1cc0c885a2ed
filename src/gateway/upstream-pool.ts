import type { Socket } from 'node:net';
import type { ProxyAllow } from '../model/proxy-target.ts';
import type { RouteTarget } from '../model/routing.ts';
import { connectExternal, connectInstance, connectUnix } from './connect-target.ts';
import { type ConnectionOwner, UpstreamConnection, type UpstreamTimeouts } from './upstream-connection.ts';

// Servers close idle connections after 2 s (gunicorn) or 5 s (Node, uvicorn): be earlier than all of them. A request that
// can't be repeated takes only a connection that was in use a moment ago.
const MAX_IDLE_MS = 1_900;
const FRESH_IDLE_MS = 500;

/** The connections to one upstream: idle ones are used again, the newest first. */
export class UpstreamPool implements ConnectionOwner {
  readonly #connect: () => Socket;
  readonly #timeouts: UpstreamTimeouts;
  readonly #idle: UpstreamConnection[] = [];
  readonly #all = new Set<UpstreamConnection>();

  constructor(connect: () => Socket, timeouts: UpstreamTimeouts) {
    this.#connect = connect;
    this.#timeouts = timeouts;
  }

  /** How many connections there are, idle ones included. */
  get size(): number {
    return this.#all.size;
  }

  /** An idle connection, or a new one whose socket may still be connecting. */
  take({ isRepeatable }: { readonly isRepeatable: boolean }): UpstreamConnection {
    const oldest = performance.now() - (isRepeatable ? MAX_IDLE_MS : FRESH_IDLE_MS);
    const kept = this.#idle.at(-1);
    if (kept !== undefined && kept.idleSince >= oldest) {
      this.#idle.pop();
      return kept;
    }
    return this.open();
  }

  /** A new connection. */
  open(): UpstreamConnection {
    const connection = new UpstreamConnection(this.#connect(), this, this.#timeouts);
    this.#all.add(connection);
    return connection;
  }

  onIdle(connection: UpstreamConnection): void {
    this.#idle.push(connection);
  }

  onGone(connection: UpstreamConnection): void {
    this.#all.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  /** Closes what has been idle for too long and ends what is over its time. */
  sweep(now: number): void {
    for (const connection of this.#idle) if (now - connection.idleSince > MAX_IDLE_MS) connection.socket.destroy();
    for (const connection of this.#all) if (now > connection.deadline) connection.expire();
  }

  /** Closes everything, exchanges that are under way included. */
  close(): void {
    for (const connection of this.#all) connection.socket.destroy();
  }
}

/** All upstreams of a gateway, by where they are. */
export class Upstreams {
  readonly #allow: ProxyAllow;
  readonly #timeouts: UpstreamTimeouts;
  readonly #pools = new Map<string, UpstreamPool>();
  readonly #timer: NodeJS.Timeout;

  constructor(allow: ProxyAllow, timeouts: UpstreamTimeouts) {
    this.#allow = allow;
    this.#timeouts = timeouts;
    this.#timer = setInterval(() => this.#sweep(), 500).unref();
  }

  /** The connections to an app's target. */
  forTarget(target: RouteTarget & { readonly kind: 'http' }): UpstreamPool {
    // External targets have pools of their own, so that no app of theirs gets a connection that was opened unjudged.
    const key = target.external ? `external ${target.url}` : target.url;
    return this.#pools.get(key) ?? this.#add(key, () => this.#connectTo(target));
  }

  /** The connections to a Unix socket. */
  forSocket(path: string): UpstreamPool {
    const key = `unix ${path}`;
    return this.#pools.get(key) ?? this.#add(key, () => connectUnix(path));
  }

  /** Closes all connections. */
  close(): void {
    clearInterval(this.#timer);
    for (const pool of this.#pools.values()) pool.close();
    this.#pools.clear();
  }

  #connectTo(target: RouteTarget & { readonly kind: 'http' }): Socket {
    const url = new URL(target.url);
    return target.external ? connectExternal(url, this.#allow) : connectInstance(url);
  }

  #add(key: string, connect: () => Socket): UpstreamPool {
    const pool = new UpstreamPool(connect, this.#timeouts);
    this.#pools.set(key, pool);
    return pool;
  }

  #sweep(): void {
    const now = performance.now();
    for (const [key, pool] of this.#pools) {
      pool.sweep(now);
      if (pool.size === 0) this.#pools.delete(key);
    }
  }
}
