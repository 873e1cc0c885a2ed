import type { AppCounts, ProcessCounts } from './gateway-counts.ts';
import type { AppId, EnvName, InstanceId } from './ids.ts';

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
   * Requests in flight by instance (streams included), sent when asked for and whenever a watched instance changes. `streams`: how many
   * of them are tunnels and streams of events (absent: not known, from a gateway of an earlier version). `idleMs`: for how long nothing
   * that counts as use has ended or was said on a stream, at most for as long as this gateway has been counting.
   */
  | {
      readonly type: 'use';
      readonly inFlight: Readonly<Record<InstanceId, number>>;
      readonly streams?: Readonly<Record<InstanceId, number>>;
      readonly idleMs: Readonly<Record<InstanceId, number>>;
    }
  /** A request waits for an app that is asleep. Said again once a second while one does. */
  | { readonly type: 'wake'; readonly env: EnvName; readonly app: AppId }
  /** What was counted since the question before, in parts; the last has `process`. Question 0: the process ends. */
  | {
      readonly type: 'counts';
      readonly question: number;
      readonly apps: readonly AppCounts[];
      readonly process?: ProcessCounts;
    }
  /** A verified webhook came in. Only says: look now. */
  | { readonly type: 'hint'; readonly hook: string };

/** What the controller says to a gateway. */
export type ControllerMessage =
  /** There are routes up to this generation: read them. */
  | { readonly type: 'routes'; readonly generation: number }
  /** Report the use of this instance now and at each change, until it is at zero. */
  | { readonly type: 'watch'; readonly instance: InstanceId }
  /** Say what was counted: what has changed since the last question, or everything. */
  | { readonly type: 'count'; readonly question: number; readonly all: boolean }
  /** Report the use of this instance once. */
  | { readonly type: 'ask'; readonly instance: InstanceId }
  /** The instance is about to be stopped: end the tunnels to it, WebSockets by a close frame. */
  | { readonly type: 'end'; readonly instance: InstanceId };
