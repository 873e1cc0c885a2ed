/** What the bench asks a server for. */
export type Ask =
  | 'proxy'
  | 'static 1 KiB'
  | 'static 1 MiB'
  | '100 KiB both ways'
  | 'new connections'
  | 'websocket'
  | 'first byte';

/** One server of the comparison, running. */
export interface Contender {
  readonly name: string;
  readonly port: number;
  /** Its processes; those below them count too. */
  readonly pids: readonly number[];
  readonly does: readonly Ask[];
}

/** What stands behind all of them. */
export interface Backends {
  /** Answers `/` with 1 KiB and `/both`, GET or POST, with 100 KiB. */
  readonly http: number;
  /** Echoes WebSocket messages at `/ws`. */
  readonly webSocket: number;
  /** A folder with `static/1k.txt` and `static/1m.bin`. */
  readonly files: string;
}

export const HOST = 'bench.localhost';
export const SMALL = 'x'.repeat(1_024);
export const LARGE_BYTES = 102_400;
export const FILES = { small: '/static/1k.txt', large: '/static/1m.bin' } as const;

/** What all that proxy are asked for, but for WebSockets. */
export const PROXYING: readonly Ask[] = ['proxy', '100 KiB both ways', 'new connections', 'first byte'];
export const SERVING: readonly Ask[] = ['static 1 KiB', 'static 1 MiB'];
