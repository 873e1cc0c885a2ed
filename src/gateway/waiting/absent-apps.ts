import { PROD } from '../../model/ids.ts';
import type { Place } from '../../model/routing.ts';
import { ANSWERS, type Answer } from '../answer.ts';
import { answerCall, type Call } from '../call.ts';
import type { LiveRoute, VacantRoute } from '../routing/route-table.ts';
import { holdRequest } from './hold-request.ts';
import type { IsUse } from './use.ts';
import type { WaitingRoom } from './waiting-room.ts';
import type { Waker, Wanted } from './waker.ts';

/** What decides about requests for apps that nothing serves right now. */
export interface AbsentAppsDeps {
  readonly room: WaitingRoom;
  readonly waker: Waker;
  readonly isUse: IsUse;
  /** Whether there is a controller, without which nothing wakes. */
  readonly canWake: () => boolean;
  readonly isDraining: () => boolean;
  /** Whether who asks may know why an app does not run: those who may see the status pages. */
  readonly maySeeWhy: (call: Call) => boolean;
  /** Finds the route of a request that has waited, from the start. */
  readonly lookAgain: (call: Call) => void;
}

// What is back within this time just answers; a person who waits for longer is told what goes on.
const PAGE_AFTER_MS = 1_000;
// A controller that is away may be back in a moment.
const UNHEARD_MS = 3_000;
// What ended by itself is started again after half a second; what does not come up then may take long.
const DOWN_MS = 3_000;

/** A place, whether what is answered there is for search engines, and what is known of why nothing serves there. */
interface Absence {
  readonly place: Place;
  readonly noindex: boolean;
  readonly reason: string | null;
}

/** Answers for apps that nothing serves right now: asleep, making room, down, parked, or not there yet. */
export class AbsentApps {
  readonly #deps: AbsentAppsDeps;

  constructor(deps: AbsentAppsDeps) {
    this.#deps = deps;
  }

  /** A request for an app that is live, of which nothing runs. */
  wait(call: Call, { row, serve }: LiveRoute): void {
    const { target, noindex } = serve;
    const absence = { place: row, noindex, reason: 'reason' in target ? (target.reason ?? null) : null };
    if (target.kind === 'asleep') this.#wake(call, row, absence, ANSWERS.asleep);
    else if (target.kind === 'held') this.#hold(call, absence, ANSWERS.held);
    else if (target.kind === 'down') this.#hold(this.#until(call, downPatience(call)), absence, ANSWERS.down);
  }

  /** Nothing listens where an app is said to run: it may have ended just now, which the next row will tell. */
  lost(call: Call, { row, serve }: LiveRoute): void {
    const absence = { place: row, noindex: serve.noindex, reason: null };
    this.#hold(this.#until(call, downPatience(call)), absence, ANSWERS.badGateway);
  }

  /** A request for an app that belongs here and is not live. */
  answer(call: Call, { row: { host, path }, vacancy }: VacantRoute): void {
    const { env, app, why, reason } = vacancy;
    const absence = { place: { host, path }, noindex: env !== PROD, reason };
    if (why === 'parked') this.#wake(call, { host, path, env, app }, absence, ANSWERS.parked);
    else if (why === 'failed') this.#refuse(call, absence, ANSWERS.notRunning);
    // Who asked for what was parked goes on waiting; the first start of anything else may take minutes.
    else if (call.heldUntil === undefined) this.#refuse(call, absence, ANSWERS.coming);
    else this.#hold(call, absence, ANSWERS.coming);
  }

  /** What nobody uses is woken by whoever wants to use it, and waits for that; a browser that waits for long is shown that something goes on. */
  #wake(call: Call, wanted: Wanted, absence: Absence, unwoken: Answer): void {
    const { waker, isUse, canWake } = this.#deps;
    if (!isUse(call.request, call.target.path.decoded)) {
      this.#refuse(call, absence, unwoken);
      return;
    }
    call.response.record.isWoken = true;
    const patienceMs = showsPages(call) ? PAGE_AFTER_MS : canWake() ? Number.POSITIVE_INFINITY : UNHEARD_MS;
    this.#hold(this.#until(call, patienceMs), absence, ANSWERS.waking);
    waker.want(wanted);
  }

  /** A request that waits no longer than this, unless it waits already. */
  #until(call: Call, patienceMs: number): Call {
    const heldUntil = call.heldUntil ?? Math.min(this.#deps.room.deadline(), performance.now() + patienceMs);
    return { ...call, heldUntil };
  }

  /** What waits is in flight nowhere: the instance that the row still names stops when nothing is on it any more. */
  #hold({ share, ...call }: Call, absence: Absence, answer: Answer): void {
    call.response.record.isHeld = true;
    share?.release();
    const { room, lookAgain } = this.#deps;
    const refuse = () => this.#refuse(call, absence, answer);
    holdRequest(room, { call, place: absence.place, onRow: lookAgain, onRefused: refuse });
  }

  #refuse(call: Call, { noindex, reason }: Absence, answer: Answer): void {
    if (this.#deps.isDraining()) call.response.shouldKeepAlive = false;
    const why = reason !== null && this.#deps.maySeeWhy(call) ? { why: reason } : {};
    answerCall({ ...call, noindex: call.noindex || noindex }, { ...answer, ...why });
  }
}

function downPatience(call: Call): number {
  return showsPages(call) ? PAGE_AFTER_MS : DOWN_MS;
}

/** Whether somebody looks at what is answered, and would rather see a page than wait. */
function showsPages({ request, upgrade }: Call): boolean {
  const { method, headers } = request;
  if (method !== 'GET' || upgrade !== undefined) return false;
  const mode = headers['sec-fetch-mode'];
  return mode === undefined ? headers.accept?.includes('text/html') === true : mode === 'navigate';
}
