import type { IncomingHttpHeaders } from 'node:http';
import type { RandomHex } from './random-hex.ts';

// Version, trace, parent, flags; a later version may have more behind (W3C Trace Context, 3.2). All zeros name nothing, "ff" is no version.
const PARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/;
const VERSION_0_LENGTH = 55;

/**
 * The header lines of the trace that a request belongs to. We record no spans, so a trace that comes is passed on as it is: an app's
 * span hangs below its client's. Where none comes, or a malformed one, a new one begins, sampled: apps decide by that flag whether they
 * record, and unsampled would switch off what they record without us.
 */
export function traceLines(headers: IncomingHttpHeaders, random: RandomHex): string {
  const { traceparent, tracestate } = headers;
  if (typeof traceparent !== 'string' || !isParent(traceparent))
    return `traceparent: 00-${random.take(16)}-${random.take(8)}-01\r\n`;
  // Several lines of it are one list (3.3.1), which is how Node joins them.
  return tracestate === undefined || tracestate === ''
    ? `traceparent: ${traceparent}\r\n`
    : `traceparent: ${traceparent}\r\ntracestate: ${String(tracestate)}\r\n`;
}

function isParent(value: string): boolean {
  const version = PARENT.exec(value)?.[1];
  return version !== undefined && (version !== '00' || value.length === VERSION_0_LENGTH);
}
