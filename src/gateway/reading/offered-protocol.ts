import type { ResponseHead } from './response-head.ts';

/** Whether a 101 switches to nothing but what the client offered (RFC 9110, 7.8); `offer` is the client's `Upgrade`. */
export function isOffered({ headers }: Pick<ResponseHead, 'headers'>, offer: string): boolean {
  const offered = new Set(protocolsOf(offer));
  const chosen = headers.flatMap((value, at) =>
    at % 2 === 1 && headers[at - 1]?.toLowerCase() === 'upgrade' ? protocolsOf(value) : [],
  );
  return chosen.length > 0 && chosen.every((protocol) => offered.has(protocol));
}

function protocolsOf(list: string): string[] {
  return list.split(',').map((protocol) => protocol.trim().toLowerCase());
}
