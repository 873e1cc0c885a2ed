import type { ListenAddress } from './settings.ts';

/** A program to start, with the whole environment it gets. */
export interface SpawnCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** How gateways are started. */
export interface GatewayCommand extends SpawnCommand {
  /** Names program and configuration: a gateway that runs another one is replaced. */
  readonly program: string;
}

/** In this variable a gateway finds how many bound descriptors it inherited, from 3 on. */
export const LISTEN_FDS_VARIABLE = 'MAINSPRING_INTERNAL_LISTEN_FDS';

/** In this variable the controller finds the descriptor that ends when its supervisor does. */
export const SUPERVISOR_FD_VARIABLE = 'MAINSPRING_INTERNAL_SUPERVISOR_FD';

/** `DATA/run/gateways/PID.json`: there is a gateway, and this is where it can be talked to. */
export interface GatewayRunFile {
  readonly pid: number;
  /** Its Unix socket: who can connect has proof that it lives. */
  readonly socket: string;
}

/** What a supervisor says to a gateway on its own socket: one JSON object a line. */
export type SupervisorMessage =
  | { readonly type: 'ping' }
  /** Stop accepting, drain, end. */
  | { readonly type: 'stop' }
  /** Start this program with the descriptors that the gateway listens on. */
  | { readonly type: 'spawn'; readonly command: SpawnCommand };

/** What a gateway answers. */
export type GatewayReply =
  /** First line on each connection. */
  | {
      readonly type: 'hello';
      readonly pid: number;
      readonly program: string;
      readonly listen: readonly ListenAddress[];
      readonly isReady: boolean;
    }
  /** It holds a route table now. */
  | { readonly type: 'ready' }
  | { readonly type: 'pong' }
  | { readonly type: 'spawned'; readonly pid: number }
  | { readonly type: 'spawn-failed'; readonly message: string };
