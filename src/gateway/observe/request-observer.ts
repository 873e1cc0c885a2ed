import type { Socket } from 'node:net';
import { BUCKETS_SECONDS, COUNT_AT, STATUS_CLASSES, UPSTREAM_FAULTS } from '../../model/gateway-counts.ts';
import type { Answer } from '../answer.ts';
import type { ClientResponse } from '../clients/client-response.ts';
import type { LiveRoute } from '../routing/route-table.ts';
import type { AppMeters } from './app-meters.ts';
import type { RequestRecord } from './request-record.ts';

/** A request that is over. */
export interface EndedRequest {
  readonly response: ClientResponse;
  readonly endedAt: number;
  /** 0: no answer had begun. */
  readonly status: number;
  /** All that went over the connection since the request before, heads included. */
  readonly bytesIn: number;
  readonly bytesOut: number;
}

const NO_STATUS = STATUS_CLASSES.indexOf('none');

/** Something that could not be read as a request, and what it was answered with. */
export interface UnreadableRequest {
  readonly socket: Socket;
  readonly status: number;
  readonly answer: string;
}

/** Who writes requests down. */
export interface RequestListener {
  ended(request: EndedRequest): void;
  unreadable(request: UnreadableRequest): void;
}

/** Hears of each request when it begins, has its route, and is over; counts it, and tells whoever writes it down. */
export class RequestObserver {
  readonly #meters: AppMeters;
  readonly #listener: RequestListener | undefined;
  /** What of each connection's bytes belongs to requests that are over. */
  readonly #settled = new WeakMap<Socket, { read: number; written: number }>();
  /** One function for all responses: it is their `this`. */
  readonly #onClose: (this: ClientResponse) => void;

  constructor(meters: AppMeters, listener?: RequestListener) {
    this.#meters = meters;
    this.#listener = listener;
    const ended = (response: ClientResponse) => this.#ended(response);
    this.#onClose = function close() {
      ended(this);
    };
  }

  /** A request is about to be served. */
  begin(response: ClientResponse): void {
    response.on('close', this.#onClose);
    // Asked for now, the address is still known when the connection has gone.
    if (this.#listener !== undefined) void response.req.socket.remoteAddress;
  }

  /** It leads to this route; after waiting perhaps to another one. */
  routed({ record }: ClientResponse, route: LiveRoute): void {
    record.route = route;
    if (record.meter !== undefined) return;
    record.meter = this.#meters.of(route.row);
    record.meter.move(1);
  }

  /** What could not be read as a request was answered with this. */
  unreadable(socket: Socket, { status, title }: Pick<Answer, 'status' | 'title'>): void {
    const { counts } = this.#meters.none;
    this.#meters.none.hasNews = true;
    add(counts, COUNT_AT.requests + Math.floor(status / 100) - 1, 1);
    this.#listener?.unreadable({ socket, status, answer: title });
  }

  #ended(response: ClientResponse): void {
    const { record, req } = response;
    const endedAt = performance.now();
    const status = record.isUpgraded ? 101 : response.headersSent ? response.statusCode : 0;
    const { socket } = req;
    const settled = this.#settled.get(socket);
    const { bytesRead, bytesWritten } = socket;
    const bytesIn = bytesRead - (settled?.read ?? 0);
    const bytesOut = bytesWritten - (settled?.written ?? 0);
    if (settled === undefined) this.#settled.set(socket, { read: bytesRead, written: bytesWritten });
    else {
      settled.read = bytesRead;
      settled.written = bytesWritten;
    }
    const ended = { response, endedAt, status, bytesIn, bytesOut };
    this.#count(record, ended);
    this.#listener?.ended(ended);
  }

  #count(record: RequestRecord, { endedAt, status, bytesIn, bytesOut }: EndedRequest): void {
    const meter = record.meter ?? this.#meters.none;
    const { counts } = meter;
    if (record.meter === undefined) meter.hasNews = true;
    else meter.move(-1);
    add(counts, COUNT_AT.requests + (status === 0 ? NO_STATUS : Math.floor(status / 100) - 1), 1);
    add(counts, COUNT_AT.bytesIn, bytesIn);
    add(counts, COUNT_AT.bytesOut, bytesOut);
    if (!record.isUpgraded) observe(counts, 'duration', (endedAt - record.startedAt) / 1_000);
    if (record.headAt !== 0) observe(counts, 'firstByte', (record.headAt - record.startedAt) / 1_000);
    if (record.retries > 0) add(counts, COUNT_AT.retried, record.retries);
    if (record.isHeld) add(counts, COUNT_AT.held, 1);
    if (record.isWoken) add(counts, COUNT_AT.woken, 1);
    if (record.fault !== undefined) add(counts, COUNT_AT.faults + UPSTREAM_FAULTS.indexOf(record.fault), 1);
    else if (isRefusal(record, status)) add(counts, COUNT_AT.refused, 1);
  }
}

/** Whether an app would have been there, but the gateway kept the request from it. */
export function isRefusal({ route, answer, fault }: RequestRecord, status: number): boolean {
  return route !== undefined && answer !== undefined && fault === undefined && (status === 503 || status === 413);
}

// Put together for each request, the name would cost more than the count.
const SECONDS_AT = { duration: COUNT_AT.durationSeconds, firstByte: COUNT_AT.firstByteSeconds } as const;

function observe(counts: Float64Array, name: 'duration' | 'firstByte', seconds: number): void {
  let bucket = 0;
  while (bucket < BUCKETS_SECONDS.length && seconds > (BUCKETS_SECONDS[bucket] ?? 0)) bucket += 1;
  add(counts, COUNT_AT[name] + bucket, 1);
  add(counts, SECONDS_AT[name], seconds);
}

function add(counts: Float64Array, at: number, by: number): void {
  counts[at] = (counts[at] ?? 0) + by;
}
