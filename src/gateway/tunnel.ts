import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { answerLines } from './answer-headers.ts';
import type { CookieRule } from './cookie-rule.ts';
import type { ResponseHead } from './response-head.ts';

/** Two connections that become one. */
export interface TunnelEnds {
  /** The upstream's 101. */
  readonly head: ResponseHead;
  readonly upstream: Socket;
  readonly upstreamRest: Buffer;
  readonly client: Socket;
  readonly clientRest: Buffer;
  /** The response that the client's connection was assigned to; it closes when the tunnel does. */
  readonly response: ServerResponse;
  readonly cookie: CookieRule;
  readonly noindex: boolean;
}

/** Passes the 101 on and then bytes both ways, untouched, until both sides have ended. */
export function tunnel(ends: TunnelEnds): void {
  const { upstream, upstreamRest, client, clientRest, response } = ends;
  response.detachSocket(client);
  if (client.destroyed) {
    upstream.destroy();
    response.emit('close');
    return;
  }
  client.setNoDelay(true);
  client.setTimeout(0);
  const cut = () => {
    client.destroy();
    upstream.destroy();
  };
  client.on('error', cut);
  upstream.on('error', cut);
  upstream.on('close', () => client.destroySoon());
  client.on('close', () => {
    upstream.destroySoon();
    response.emit('close');
  });
  client.write(switchHead(ends), 'latin1');
  if (upstreamRest.length > 0) client.write(upstreamRest);
  if (clientRest.length > 0) upstream.write(clientRest);
  upstream.pipe(client);
  client.pipe(upstream);
}

function switchHead({ head, cookie, noindex }: TunnelEnds): string {
  let text = `HTTP/1.1 101 ${head.reason || STATUS_CODES[101]}\r\nConnection: Upgrade\r\n`;
  for (let at = 0; at < head.headers.length; at += 2) {
    if (head.headers[at]?.toLowerCase() === 'upgrade') text += `Upgrade: ${head.headers[at + 1]}\r\n`;
  }
  return `${text}${answerLines(head.headers, { location: (value) => value, cookie, noindex }, 'interim')}\r\n`;
}
