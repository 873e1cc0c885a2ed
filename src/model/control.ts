import type { InstanceId } from './ids.ts';

/**
 * What gateways and controller tell each other over the control socket: one JSON object a line, both ways.
 * The socket only carries news; the route table itself is read from the store.
 */
export type GatewayMessage =
  /** First line of a gateway. `id` is unique by process start. */
  | { readonly type: 'hello'; readonly id: string; readonly pid: number; readonly generation: number }
  /** The table up to this generation is applied: no new request follows an older one. */
  | { readonly type: 'applied'; readonly generation: number }
  /**
   * Requests in flight by instance (streams included), sent when asked for and whenever a watched instance changes.
   * `lastUse` is in milliseconds since the epoch.
   */
  | {
      readonly type: 'use';
      readonly inFlight: Readonly<Record<InstanceId, number>>;
      readonly lastUse: Readonly<Record<InstanceId, number>>;
    }
  /** A verified webhook came in. Only says: look now. */
  | { readonly type: 'hint'; readonly hook: string };

/** What the controller says to a gateway. */
export type ControllerMessage =
  /** There are routes up to this generation: read them. */
  | { readonly type: 'routes'; readonly generation: number }
  /** Report the use of this instance now and at each change, until it is at zero. */
  | { readonly type: 'watch'; readonly instance: InstanceId };
