import { type LookupAddress, lookup } from 'node:dns';
import { isIP, type LookupFunction, Socket, type SocketConnectOpts } from 'node:net';
import { isAllowedAddress, isAllowedName, type ProxyAllow, targetPort } from '../../model/proxy-target.ts';
import { UpstreamFault } from '../reading/response-head.ts';

/** Who reads what comes on a connection that is not encrypted: such a socket emits no `data`. */
export interface Reader {
  /** Where the next bytes are to go; asked again after each read. */
  nextBuffer(): Buffer;
  onBytes(bytes: Buffer): void;
}

/** Opens a connection. */
export type Connect = (reader: Reader) => Socket;

/** Opens a connection to an instance of ours: loopback by nature, so its address is not judged. */
export function connectInstance(url: URL, reader: Reader): Socket {
  return open(reader, { host: bareHost(url), port: targetPort(url) });
}

/** Opens a connection to a Unix socket. */
export function connectUnix(path: string, reader: Reader): Socket {
  return open(reader, { path });
}

/**
 * Opens a connection to somebody else's server. Every address is judged at this moment, whatever the name said before; a
 * socket that must not be opened fails with the fault `refused-target`.
 */
export function connectExternal(url: URL, allow: ProxyAllow, reader: Reader): Socket {
  const host = bareHost(url);
  const port = targetPort(url);
  if (isIP(host) !== 0 && !isAllowedAddress(host, port, allow)) return new Socket().destroy(refused());
  const options = { host, port, allowHalfOpen: true, lookup: judgingLookup(port, allow) };
  if (url.protocol === 'http:') return open(reader, options);
  // Loaded when first needed: most gateways never open a TLS connection, and it takes memory.
  const tls = process.getBuiltinModule('node:tls');
  const servername = isIP(host) === 0 ? { servername: host } : {};
  return tls.connect({ ...options, ALPNProtocols: ['http/1.1'], ...servername });
}

/** Bytes that go straight to their reader do without all that a stream does for each read, which is a tenth of a short request. */
function open(reader: Reader, options: SocketConnectOpts): Socket {
  const onread = {
    buffer: () => reader.nextBuffer(),
    callback: (bytes: number, buffer: Uint8Array) => {
      reader.onBytes(Buffer.from(buffer.buffer, buffer.byteOffset, bytes));
      return true;
    },
  };
  return new UpstreamSocket({ allowHalfOpen: true, onread }).connect(options);
}

type Written = (error?: Error | null) => void;

/**
 * A socket that goes on reading when the other side takes nothing any more: a server that answers in the middle of an upload and
 * closes has answered, though writing the rest of the upload fails. What the connection is worth, reading says.
 */
class UpstreamSocket extends Socket {
  override _write(chunk: unknown, encoding: BufferEncoding, done: Written): void {
    super._write(chunk, encoding, (error) => done(unlessClosed(error)));
  }

  override _writev(chunks: Parameters<NonNullable<Socket['_writev']>>[0], done: Written): void {
    super._writev?.(chunks, (error) => done(unlessClosed(error)));
  }
}

function unlessClosed(error: NodeJS.ErrnoException | null | undefined): Error | null {
  return error?.code === 'EPIPE' || error?.code === 'ECONNRESET' ? null : (error ?? null);
}

function judgingLookup(port: number, allow: ProxyAllow): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, []);
      const fine = addresses.filter(({ address }) => isFine(hostname, address, port, allow));
      const [first] = fine;
      if (first === undefined) callback(refused(), []);
      else if (options.all === true) callback(null, fine);
      else callback(null, first.address, first.family);
    });
  };
}

function isFine(hostname: string, address: LookupAddress['address'], port: number, allow: ProxyAllow): boolean {
  return isAllowedName(hostname, port, allow) || isAllowedAddress(address, port, allow);
}

function refused(): UpstreamFault {
  return new UpstreamFault('refused-target', 'the target has no address that [proxy] allow lets through');
}

function bareHost(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1');
}
