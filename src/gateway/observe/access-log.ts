import type { Socket } from 'node:net';
import type { AccessLogSettings } from '../../model/settings.ts';
import { judgePeer, type Trust } from '../clients/peer.ts';
import type { GatewayLog } from '../gateway-config.ts';
import { LineWriter } from './line-writer.ts';
import { LogFile } from './log-file.ts';
import { type EndedRequest, isRefusal, type RequestListener, type UnreadableRequest } from './request-observer.ts';

const LONGEST_PATH = 1_024;
const LONGEST_AGENT = 256;

/** What an access log needs. */
export interface AccessLogOptions {
  readonly settings: AccessLogSettings;
  readonly isTrusted: Trust;
  /** The address of who connected. */
  readonly addressOf: (socket: Socket) => string;
  readonly log: GatewayLog;
}

interface Addresses {
  readonly peer: string;
  readonly client: string;
}

/** Writes a line for each request when it is over. No header but the user agent is in it, and no query: they hold secrets. */
export class AccessLog implements RequestListener {
  readonly #writer: LineWriter;
  readonly #options: AccessLogOptions;

  constructor(options: AccessLogOptions) {
    this.#options = options;
    this.#writer = new LineWriter(new LogFile(options.settings), options.log);
  }

  /** How many lines were lost so far. */
  get dropped(): number {
    return this.#writer.dropped;
  }

  ended(request: EndedRequest): void {
    this.#writer.write(JSON.stringify(lineOf(request, this.#addressesOf(request))));
  }

  unreadable({ socket, status, answer }: UnreadableRequest): void {
    const at = new Date().toISOString();
    const line = { at, peer: this.#options.addressOf(socket), status, outcome: 'unreadable', reason: answer };
    this.#writer.write(JSON.stringify(line));
  }

  /** Writes what is there, and ends. */
  close(): Promise<void> {
    return this.#writer.close();
  }

  #addressesOf({ response: { req } }: EndedRequest): Addresses {
    const { addressOf, isTrusted } = this.#options;
    const peer = addressOf(req.socket);
    const claims = { remoteAddress: peer, authority: '', headers: req.headers };
    return { peer, client: judgePeer(claims, isTrusted).address };
  }
}

function lineOf(ended: EndedRequest, addresses: Addresses): object {
  const { response, endedAt, status, bytesIn, bytesOut } = ended;
  const { req, record } = response;
  const { route, target } = record;
  return {
    at: new Date(performance.timeOrigin + record.startedAt).toISOString(),
    ...addresses,
    method: req.method,
    host: target?.host,
    path: target?.path.sent.slice(0, LONGEST_PATH),
    protocol: `HTTP/${req.httpVersion}`,
    request: response.requestId,
    status,
    outcome: outcomeOf(ended),
    reason: record.fault ?? record.answer,
    bytes_in: bytesIn,
    bytes_out: bytesOut,
    duration_ms: rounded(endedAt - record.startedAt),
    first_byte_ms: record.headAt === 0 ? undefined : rounded(record.headAt - record.startedAt),
    upstream_ms: record.answeredAt === 0 ? undefined : rounded(record.answeredAt - record.askedAt),
    env: route?.row.env,
    app: route?.row.app,
    instance: route?.serve.instance,
    user_agent: req.headers['user-agent']?.slice(0, LONGEST_AGENT),
  };
}

/** What became of a request: as the access log says it. */
type Outcome = 'ok' | 'upgraded' | 'upstream-fault' | 'client-left' | 'refused' | 'answered';

function outcomeOf({ response, status }: EndedRequest): Outcome {
  const { record } = response;
  if (record.isUpgraded) return 'upgraded';
  if (record.fault !== undefined) return 'upstream-fault';
  if (!response.isComplete) return 'client-left';
  if (isRefusal(record, status)) return 'refused';
  return record.answer === undefined ? 'ok' : 'answered';
}

function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}
