import type { Container, ContainerLogsOptions } from 'dockerode';
import type { Clock } from '../../../model/clock.ts';
import type { InstanceId } from '../../../model/ids.ts';
import type { LogLine } from '../../engine.ts';
import type { DockerConnection } from '../connection/connection.ts';
import { isNotThere } from '../connection/engine-error.ts';
import type { Instances } from './instances.ts';

/** What reading the output of containers needs. */
export interface LogTools {
  readonly connection: DockerConnection;
  readonly instances: Instances;
  readonly clock: Clock;
}

type Stream = LogLine['stream'];

/** A line that is longer comes in parts. */
const MOST_BYTES = 64 * 1024;
const FOLLOW_MS = 300;

/** What the container of an instance printed, and with `follow` what it prints from then on, over its restarts. Ends when it is gone. */
export async function* containerLogs(
  { connection, instances, clock }: LogTools,
  id: InstanceId,
  { tail, follow }: { readonly tail: number; readonly follow: boolean },
  signal: AbortSignal,
): AsyncGenerator<LogLine, void, undefined> {
  let seen = null as Seen | null;
  while (!signal.aborted) {
    const openedAt = new Date(clock.now()).toISOString();
    const client = await connection.client();
    const found = await instances.find(client, id).catch((error: unknown) => {
      throw connection.failure(`log of "${id}"`, error);
    });
    if (found === undefined) return;
    const since = seen === null ? { tail } : { since: unixTime(seen.at) };
    try {
      const output = await openOutput(client.docker.getContainer(found.Id), { ...since, follow, signal });
      for await (const line of newerThan(seen, linesOf(output, found.Config.Tty))) {
        yield line;
        if (line.at !== null) seen = { at: line.at, lines: seen?.at === line.at ? seen.lines + 1 : 1 };
      }
    } catch (error) {
      if (signal.aborted || isNotThere(error)) return;
      throw connection.failure(`log of "${id}"`, error);
    }
    if (!follow) return;
    seen ??= { at: openedAt, lines: 0 };
    // It ended: it may be started again.
    await clock.sleep(FOLLOW_MS, signal).catch(() => undefined);
  }
}

/** How far a log was read: the time of the last line, and how many lines were given that have it. Podman's times are whole seconds. */
interface Seen {
  readonly at: string;
  readonly lines: number;
}

/** Lines of a log that is read again from a moment on, without those of that moment that were seen. */
export async function* newerThan(
  seen: Seen | null,
  lines: AsyncIterable<LogLine>,
): AsyncGenerator<LogLine, void, undefined> {
  // Where none was given yet, the moment is our own clock's, and the engine has looked to it.
  if (seen === null || seen.lines === 0) return yield* lines;
  let again = seen.lines;
  for await (const line of lines) {
    const isOlder = line.at !== null && line.at < seen.at;
    const isSame = line.at === seen.at && again > 0;
    if (isSame) again -= 1;
    if (!isOlder && !isSame) yield line;
  }
}

/** The engine's stream of a container's output, or all of it at once. */
async function openOutput(
  container: Container,
  { signal, ...options }: { since?: string; tail?: number; follow: boolean; signal: AbortSignal },
): Promise<AsyncIterable<Buffer> | Iterable<Buffer>> {
  const all = { stdout: true, stderr: true, timestamps: true, abortSignal: signal, ...options };
  const asked = container.logs(all as object as ContainerLogsOptions & { readonly follow: true });
  // Without `follow` it is the output itself, whatever the types say.
  const output: unknown = await asked;
  return Buffer.isBuffer(output) ? [output] : (output as AsyncIterable<Buffer>);
}

/** A time such as `2026-11-27T15:00:00.123456789Z` as the engine reads it: seconds, a dot, nanoseconds. */
function unixTime(text: string): string {
  const seconds = Math.floor(Date.parse(text) / 1_000);
  const fraction = /\.(\d{1,9})/.exec(text)?.[1] ?? '';
  return `${seconds}.${fraction.padEnd(9, '0')}`;
}

/** Takes the engine's frames apart (a byte for the stream, the length in the last four of eight) and what is in them into lines. */
export async function* linesOf(
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
  isPlain: boolean,
): AsyncGenerator<LogLine, void, undefined> {
  const rests: Record<Stream, Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  for await (const [stream, bytes] of isPlain ? plainOf(chunks) : framesOf(chunks)) {
    const all = Buffer.concat([rests[stream], bytes]);
    let from = 0;
    for (;;) {
      const end = all.indexOf(0x0a, from);
      const to = end < 0 && all.length - from > MOST_BYTES ? from + MOST_BYTES : end;
      if (to < 0) break;
      yield toLine(stream, all.subarray(from, to));
      from = end < 0 ? to : to + 1;
    }
    rests[stream] = all.subarray(from);
  }
  for (const stream of ['stdout', 'stderr'] as const) {
    if (rests[stream].length > 0) yield toLine(stream, rests[stream]);
  }
}

async function* plainOf(chunks: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<[Stream, Buffer]> {
  for await (const chunk of chunks) yield ['stdout', chunk];
}

async function* framesOf(chunks: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<[Stream, Buffer]> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 8 && rest.length >= 8 + rest.readUInt32BE(4)) {
      const end = 8 + rest.readUInt32BE(4);
      yield [rest[0] === 2 ? 'stderr' : 'stdout', rest.subarray(8, end)];
      rest = rest.subarray(end);
    }
  }
}

function toLine(stream: Stream, bytes: Buffer): LogLine {
  const text = bytes.toString().replace(/\r$/, '');
  const match = /^(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)) ?/.exec(text);
  if (match === null) return { at: null, stream, text };
  return { at: match[1] ?? null, stream, text: text.slice(match[0].length) };
}
