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
    };

/** What gateways hold requests of an app to. */
export type RequestLimits = Pick<AppLimits, 'bodyBytes' | 'requests' | 'queue'>;

/** Requests are held until a newer row says where they go. Asleep: the first one asks the controller to wake the app. */
export type HeldTarget = { readonly kind: 'held' } | { readonly kind: 'asleep' };

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
    /** Anything but prod: answers say `X-Robots-Tag: noindex`. */
    readonly noindex: boolean;
    /** Absent where nothing is declared, and in rows of earlier versions. */
    readonly limits?: RequestLimits;
  } | null;
}
