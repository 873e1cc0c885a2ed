import type { Server, Socket } from 'node:net';
import { isLoopback } from '../../model/peer.ts';
import { peerNetwork, plainAddress, type Trust } from './peer.ts';
import { type ProxyVersions, parseProxyHeader } from './proxy-protocol.ts';

/** Who may connect, and how much. */
export interface GateRules {
  readonly proxyProtocol: 'off' | ProxyVersions;
  readonly isTrusted: Trust;
  /** Connections at one time of one peer: of an IPv4 address, or of an IPv6 network of 64 bits. */
  readonly peerConnections: number;
  readonly headerTimeoutMs: number;
}

const NOTHING = Buffer.alloc(0);

/**
 * Stands before everything that reads from a client: counts connections by peer, and takes the PROXY header off where one has to be.
 * Who may not pass is cut off without a word.
 */
export class ClientGate {
  readonly #rules: GateRules;
  readonly #counts = new Map<string, number>();
  /** Clients that a proxy has named. */
  readonly #named = new WeakMap<Socket, string>();
  readonly #waiting = new Set<Socket>();

  constructor(rules: GateRules) {
    this.#rules = rules;
  }

  /** Puts itself before all that listens for connections of the server now. */
  guard(server: Server): void {
    const listeners = server.listeners('connection');
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      this.#enter(socket, () => {
        for (const listener of listeners) listener.call(server, socket);
      });
    });
  }

  /** The address of the client: as a trusted proxy has named it by PROXY header, else the other end's. */
  addressOf(socket: Socket): string {
    return this.#named.get(socket) ?? plainAddress(socket.remoteAddress ?? '');
  }

  /** Cuts off whoever is still before the gate. */
  close(): void {
    for (const socket of this.#waiting) socket.destroy();
  }

  #enter(socket: Socket, pass: () => void): void {
    const { proxyProtocol, isTrusted } = this.#rules;
    const count = () => {
      if (this.#count(socket)) pass();
      else socket.destroy();
    };
    if (proxyProtocol === 'off') count();
    else if (isTrusted(this.addressOf(socket))) this.#readHeader(socket, proxyProtocol, count);
    else socket.destroy();
  }

  #readHeader(socket: Socket, versions: ProxyVersions, pass: () => void): void {
    let gathered: Buffer = NOTHING;
    const cut = () => socket.destroy();
    const timer = setTimeout(cut, this.#rules.headerTimeoutMs);
    const stop = () => {
      clearTimeout(timer);
      this.#waiting.delete(socket);
      socket.off('data', take).off('end', cut).off('error', cut).off('close', stop);
    };
    const take = (bytes: Buffer) => {
      gathered = gathered.length === 0 ? bytes : Buffer.concat([gathered, bytes]);
      const header = parseProxyHeader(gathered, versions);
      if (header.kind === 'partial') return;
      stop();
      if (header.kind === 'invalid') {
        // What fails from here on is nobody's business.
        socket.on('error', () => {}).destroy();
        return;
      }
      if (header.address !== null) this.#named.set(socket, plainAddress(header.address));
      socket.pause();
      if (gathered.length > header.bytes) socket.unshift(gathered.subarray(header.bytes));
      pass();
      socket.resume();
    };
    this.#waiting.add(socket);
    socket.on('data', take).on('end', cut).on('error', cut).on('close', stop);
  }

  /** Counts a connection for as long as it is open; false: its peer has too many. Proxies and this machine may have any number. */
  #count(socket: Socket): boolean {
    const address = this.addressOf(socket);
    // A Unix socket has no address: it is of this machine too.
    if (address === '' || isLoopback(address) || this.#rules.isTrusted(address)) return true;
    const peer = peerNetwork(address);
    const count = (this.#counts.get(peer) ?? 0) + 1;
    if (count > this.#rules.peerConnections) return false;
    this.#counts.set(peer, count);
    socket.once('close', () => {
      const left = (this.#counts.get(peer) ?? 1) - 1;
      if (left === 0) this.#counts.delete(peer);
      else this.#counts.set(peer, left);
    });
    return true;
  }
}
