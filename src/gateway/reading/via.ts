/** How a gateway calls itself in `Via`. */
export const VIA_NAME = 'mainspring';

// Gateways of several installations may stand behind one another; no request needs more of them than this.
const MOST_PASSES = 8;

/** Whether a request has passed through gateways so often that it must be going round (RFC 9110, 7.6). */
export function isLoop(via: string): boolean {
  return via.split(VIA_NAME).length > MOST_PASSES;
}

/** The line that an HTTP-to-HTTP gateway adds to what it passes on (RFC 9110, 7.6.3), with the version in which it came. */
export function viaLine(httpVersion: string): string {
  return `Via: ${httpVersion} ${VIA_NAME}\r\n`;
}
