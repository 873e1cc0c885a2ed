import { readFile } from 'node:fs/promises';

/** An address on which something listens for TCP. */
export interface Listening {
  readonly port: number;
  /** Only what runs in the same container reaches it. */
  readonly isLoopback: boolean;
}

/** Docker answers names of the container's network on this address, inside the container. */
const OWN_RESOLVER = '0B00007F';
const LISTEN = '0A';

/**
 * Where something listens in the network of a process, as proc(5) tells in `net/tcp` and `net/tcp6`; null where that can't be read: the
 * engine is on another machine, or the process is not ours to look at.
 */
export async function listeningOf(pid: number): Promise<readonly Listening[] | null> {
  try {
    const texts = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/${pid}/net/${name}`, 'utf8')));
    return texts.flatMap(parseListening);
  } catch {
    return null;
  }
}

/** The listening sockets of a table such as `/proc/PID/net/tcp`. */
export function parseListening(table: string): Listening[] {
  return table.split('\n').flatMap((line) => {
    const [, local = '', , state] = line.trim().split(/\s+/);
    const [address = '', port = ''] = local.split(':');
    if (state !== LISTEN || address === OWN_RESOLVER) return [];
    return [{ port: Number.parseInt(port, 16), isLoopback: isLoopback(address) }];
  });
}

/** What to tell somebody whose app was expected to listen on a port of its container; null: it does. */
export function portAdvice(expected: number, found: readonly Listening[]): string | null {
  const there = found.filter(({ port }) => port === expected);
  if (there.some((one) => !one.isLoopback)) return null;
  if (there.length > 0)
    return `it listens on port ${expected} of 127.0.0.1, which is the container's own: let it listen on 0.0.0.0`;
  const others = [...new Set(found.filter((one) => !one.isLoopback).map(({ port }) => port))].sort((a, b) => a - b);
  if (others.length === 0) return `it listens on no port: let it listen on 0.0.0.0 and the port in PORT, ${expected}`;
  return `it listens on port ${others.join(', ')}, not on ${expected}: let it listen on the port in PORT, or say container_opts = {"port": ${others[0]}}`;
}

/** Words of four bytes, each written with its last byte first on the machines that we run on. */
function isLoopback(address: string): boolean {
  return address.length === 8 ? address.endsWith('7F') : /^0{24}01000000$|^0{16}F{4}0{4}.{6}7F$/i.test(address);
}
