import * as net from 'node:net';
import { MainspringError } from '../model/errors.ts';
import type { ListenAddress } from '../model/settings.ts';

/** An address that is bound but that nobody here listens on: only gateways, which inherit the descriptor, accept. */
export interface Bound {
  readonly fd: number;
  readonly address: ListenAddress;
  close(): void;
}

interface Handle {
  readonly fd: number;
  getsockname(out: { address?: string; port?: number }): number;
  close(): void;
}

/** Address, port, family (4 or 6), descriptor, flags. */
type CreateServerHandle = (...args: [string | null, number, number, number, number]) => Handle | number;

const UV_TCP_IPV6ONLY = 1;

/**
 * Binds an address without listening on it, the only way Node has for that (`net.Server` listens, and then accepts). Undefined
 * when somebody else has the address; throws `listen-failed` when it can't be had at all.
 */
export function bindAddress(wanted: ListenAddress, { ipv6Only }: { readonly ipv6Only: boolean }): Bound | undefined {
  const isV6 = wanted.host.includes(':');
  const made = createHandle(wanted.host, wanted.port, isV6 ? 6 : 4, -1, isV6 && ipv6Only ? UV_TCP_IPV6ONLY : 0);
  if (typeof made === 'number') throw bindFailure(wanted, made);
  const bound = boundOf(made);
  // While somebody listens there, binding seems to succeed, but the descriptor is bound to nothing; listening on it would
  // silently take a random port on all addresses.
  const isOurs = bound.address.port !== 0 && (wanted.port === 0 || bound.address.port === wanted.port);
  if (isOurs) return bound;
  bound.close();
  return undefined;
}

/** Binds all of the addresses, or none: undefined when somebody else has one of them. */
export function bindAll(wanted: readonly ListenAddress[]): readonly Bound[] | undefined {
  const bound: Bound[] = [];
  for (const address of wanted) {
    const ipv6Only = wanted.some((other) => other.port === address.port && !other.host.includes(':'));
    const one = bindAddress(address, { ipv6Only });
    if (one === undefined) {
      for (const other of bound) other.close();
      return undefined;
    }
    bound.push(one);
  }
  return bound;
}

/** The descriptors that a service manager opened for this process (`LISTEN_PID` and `LISTEN_FDS`), if it did. */
export function inheritedSockets(
  variables: { readonly LISTEN_PID?: string | undefined; readonly LISTEN_FDS?: string | undefined },
  pid: number,
): readonly Bound[] | undefined {
  const count = Number(variables.LISTEN_FDS ?? 0);
  if (Number(variables.LISTEN_PID) !== pid || !Number.isInteger(count) || count < 1) return undefined;
  return Array.from({ length: count }, (_, at) => {
    const made = createHandle(null, 0, -1, 3 + at, 0);
    if (typeof made === 'number') throw bindFailure({ host: `descriptor ${3 + at}`, port: 0 }, made);
    return boundOf(made);
  });
}

function boundOf(handle: Handle): Bound {
  const name: { address?: string; port?: number } = {};
  handle.getsockname(name);
  return { fd: handle.fd, address: { host: name.address ?? '', port: name.port ?? 0 }, close: () => handle.close() };
}

function createHandle(...args: Parameters<CreateServerHandle>): Handle | number {
  return (net as unknown as { _createServerHandle: CreateServerHandle })._createServerHandle(...args);
}

/** The error for an address that somebody else has. */
export function addressTaken(wanted: readonly ListenAddress[]): MainspringError {
  return new MainspringError(
    'listen-failed',
    `listen on "${formatAddresses(wanted)}": another program has an address of these`,
    {
      hint: 'Stop that program, or choose other addresses in "listen" of mainspring.toml.',
    },
  );
}

/** Addresses for people. */
export function formatAddresses(addresses: readonly ListenAddress[]): string {
  return addresses.map(({ host, port }) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)).join(', ');
}

function bindFailure(wanted: ListenAddress, code: number): MainspringError {
  const EACCES = -13;
  const hint =
    code === EACCES
      ? 'Ports below 1024 need root, CAP_NET_BIND_SERVICE or a socket from the service manager.'
      : 'Check "listen" in mainspring.toml: the address must be one of this machine.';
  return new MainspringError('listen-failed', `listen on "${formatAddresses([wanted])}" failed with code ${code}`, {
    hint,
  });
}
