import { randomBytes } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { ClientResponse } from '../clients/client-response.ts';
import type { ResponseHead } from '../reading/response-head.ts';
import { answerLines } from './answer-headers.ts';
import type { CookieRule } from './cookie-rule.ts';
import { TunnelFlow } from './tunnel-flow.ts';
import type { OpenStream, StreamSide } from './tunnels.ts';

/** Two connections that become one. */
export interface TunnelEnds {
  /** The upstream's 101. */
  readonly head: ResponseHead;
  readonly upstream: Socket;
  readonly upstreamRest: Buffer;
  readonly client: Socket;
  readonly clientRest: Buffer;
  /** The response that the client's connection was assigned to; it closes when the tunnel does. */
  readonly response: ClientResponse;
  readonly cookie: CookieRule;
  readonly noindex: boolean;
  /** Something of a message, or of what is not a WebSocket, was passed on. */
  readonly onUsed?: ((by: StreamSide) => void) | undefined;
}

// A message that is under way may take so long to end, and the other sides so long to answer the close.
const MESSAGE_MS = 1_000;
const HANDSHAKE_MS = 1_000;
// 1001: the endpoint is going away (RFC 6455, 7.4.1).
const GOING_AWAY = [0x03, 0xe9] as const;

/** Passes bytes both ways, untouched, until both sides have ended, or `end` was called. */
export class Tunnel implements OpenStream {
  readonly hasProperEnd: boolean;
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #down: TunnelFlow;
  readonly #up: TunnelFlow;
  #isEnding = false;

  private constructor({ head, client, upstream, onUsed = () => {} }: TunnelEnds) {
    this.#client = client;
    this.#upstream = upstream;
    this.hasProperEnd = protocolOf(head).toLowerCase() === 'websocket';
    this.#down = new TunnelFlow(upstream, client, this.hasProperEnd, () => onUsed('app'));
    this.#up = new TunnelFlow(client, upstream, this.hasProperEnd, () => onUsed('client'));
  }

  /** Passes the 101 on and begins; undefined if the client is gone. */
  static open(ends: TunnelEnds): Tunnel | undefined {
    const { upstream, client, response } = ends;
    response.detachSocket(client);
    if (client.destroyed) {
      upstream.destroy();
      response.emit('close');
      return undefined;
    }
    client.setNoDelay(true);
    client.setTimeout(0);
    const opened = new Tunnel(ends);
    client.on('error', () => opened.cut());
    upstream.on('error', () => opened.cut());
    upstream.on('close', () => client.destroySoon());
    client.on('close', () => {
      upstream.destroySoon();
      response.emit('close');
    });
    client.write(switchHead(ends), 'latin1');
    opened.#down.start(ends.upstreamRest);
    opened.#up.start(ends.clientRest);
    return opened;
  }

  /**
   * Ends it from the middle. Both sides of a WebSocket get a close frame (1001) behind the message that is under way, and a moment to
   * answer it; anything else is cut. Safe to call twice.
   */
  end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    if (!this.hasProperEnd) {
      this.cut();
      return;
    }
    const overdue = setTimeout(() => this.#insist(), MESSAGE_MS);
    const last = setTimeout(() => this.cut(), MESSAGE_MS + HANDSHAKE_MS);
    this.#client.once('close', () => {
      clearTimeout(overdue);
      clearTimeout(last);
    });
    // The frame that a side gets is answered on the way from it.
    this.#down.finish(closeFrame({ isMasked: false }), () => this.#up.onAnswered(() => this.#client.end()));
    this.#up.finish(closeFrame({ isMasked: true }), () => this.#down.onAnswered(() => this.#upstream.end()));
  }

  /** Ends both connections now. */
  cut(): void {
    this.#client.destroy();
    this.#upstream.destroy();
  }

  /** Long messages don't come to their end; close frames may stand between their fragments, but not inside a frame. */
  #insist(): void {
    if (!this.#down.finishNow() || !this.#up.finishNow()) this.cut();
  }
}

function closeFrame({ isMasked }: { readonly isMasked: boolean }): Buffer {
  const [high, low] = GOING_AWAY;
  if (!isMasked) return Buffer.from([0x88, 2, high, low]);
  const [a = 0, b = 0, c = 0, d = 0] = randomBytes(4);
  return Buffer.from([0x88, 0x82, a, b, c, d, high ^ a, low ^ b]);
}

function protocolOf({ headers }: ResponseHead): string {
  return headers.find((_value, at) => at % 2 === 1 && headers[at - 1]?.toLowerCase() === 'upgrade') ?? '';
}

function switchHead({ head, cookie, noindex, response }: TunnelEnds): string {
  const lines = answerLines(head.headers, { location: same, refresh: same, cookie, noindex }, 'interim');
  return `HTTP/1.1 101 ${head.reason || STATUS_CODES[101]}\r\nConnection: Upgrade\r\nUpgrade: ${protocolOf(head)}\r\n${lines}X-Request-Id: ${response.requestId}\r\n\r\n`;
}

function same(value: string): string {
  return value;
}
