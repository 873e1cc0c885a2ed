import type { AppLimits } from './app.ts';
import type { AppId, EnvName, InstanceId } from './ids.ts';

/** What a route leads to. */
export type RouteTarget =
  | {
      readonly kind: 'static';
      /** Absolute path of the exported tree. Read-only, content-addressed: a changed tree has another path. */
      readonly root: string;
      /** The file served for a folder. */
      readonly index: string;
      /** The file served for whatever does not exist (`static_single`); null: 404. */
      readonly fallback: string | null;
    }
  | {
      readonly kind: 'http';
      /** Base URL of the upstream: `http://127.0.0.1:41234`, or for a proxy app the declared URL. */
      readonly url: string;
      /** True for proxy apps: the target is somebody else's and the address is judged at connect time. */
      readonly external: boolean;
      /** True where something stands before the app that takes connections whether it runs or not: a container engine's own proxy. */
      readonly relayed?: true;
    };

/** What gateways hold requests of an app to. */
export type RequestLimits = Pick<AppLimits, 'bodyBytes' | 'requests' | 'queue'>;

/**
 * Requests are held until a newer row says where they go. Asleep: the first one asks the controller to wake the app. Down: it ended by
 * itself and is being started again, and may be back in a moment.
 */
export type HeldTarget =
  | { readonly kind: 'held' }
  /** Why its last start failed; absent as long as none did. */
  | { readonly kind: 'asleep'; readonly reason?: string }
  | { readonly kind: 'down'; readonly reason: string };

/** An app that belongs somewhere and does not serve there: told to who asks where nothing else serves. */
export interface Vacancy {
  readonly env: EnvName;
  readonly app: AppId;
  /** `coming`: it was never live, and is on its way. `failed`: it was never live, and will not be as things are. `parked`: a request brings it back. */
  readonly why: 'coming' | 'failed' | 'parked';
  /** For those who may see the status pages; null: there is nothing to say. */
  readonly reason: string | null;
}

/** Where a route is. */
export type Place = Pick<RouteRow, 'host' | 'path'>;

/** What a place is told from others by: `HOST PATH`. */
export function placeKey({ host, path }: Place): string {
  return `${host} ${path}`;
}

/** One row of the route table: the contract between controller and gateways. */
export interface RouteRow {
  /** Lower case, without a port. */
  readonly host: string;
  readonly path: string;
  /** Grows with every switch; a row never goes back. */
  readonly generation: number;
  readonly env: EnvName;
  readonly app: AppId;
  /** Null for a tombstone: the route is gone. */
  readonly serve: {
    readonly instance: InstanceId;
    readonly target: RouteTarget | HeldTarget;
    readonly stripPath: boolean;
    /** The bare path leads to the one with a slash at its end. Absent where it doesn't, and in rows of earlier versions. */
    readonly slash?: true;
    /** Anything but prod: answers say `X-Robots-Tag: noindex`. */
    readonly noindex: boolean;
    /** Absent where nothing is declared, and in rows of earlier versions. */
    readonly limits?: RequestLimits;
  } | null;
  /** Who does not serve here yet, or any more. Absent in rows of earlier versions. */
  readonly vacancy?: Vacancy | null;
}
