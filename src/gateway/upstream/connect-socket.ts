import { closeSync, openSync, readlinkSync, realpathSync } from 'node:fs';
import { Socket } from 'node:net';
import { isAllowedSocket, type ProxyAllow } from '../../model/proxy-target.ts';
import { UpstreamFault } from '../reading/response-head.ts';
import { connectUnix, type Reader } from './connect-target.ts';

// Of Linux, in no constant of Node's: a descriptor that stands for the file and opens nothing of it.
const O_PATH = 0o10000000;

/**
 * Opens a connection to a Unix socket that is somebody else's. What counts is where its path really leads at this moment, so
 * that a link can't lead out of what is allowed; what is refused fails with the fault `refused-target`.
 */
export function connectAllowedSocket(path: string, allow: ProxyAllow, reader: Reader): Socket {
  try {
    return process.platform === 'linux' ? connectByDescriptor(path, allow, reader) : connectByPath(path, allow, reader);
  } catch (error) {
    // Nothing is there, or not for us.
    return new Socket().destroy(error as Error);
  }
}

/** The very file that was judged is connected to: nobody can put another one in its place in between. */
function connectByDescriptor(path: string, allow: ProxyAllow, reader: Reader): Socket {
  const descriptor = openSync(path, O_PATH);
  try {
    const place = `/proc/self/fd/${descriptor}`;
    // Connecting to a Unix socket takes no time, so the descriptor has served once that has begun.
    return isAllowedSocket(readlinkSync(place), allow) ? connectUnix(place, reader) : refused();
  } finally {
    closeSync(descriptor);
  }
}

function connectByPath(path: string, allow: ProxyAllow, reader: Reader): Socket {
  const real = realpathSync(path);
  return isAllowedSocket(real, allow) ? connectUnix(real, reader) : refused();
}

function refused(): Socket {
  const fault = new UpstreamFault('refused-target', '[proxy] allow does not let the socket through');
  return new Socket().destroy(fault);
}
