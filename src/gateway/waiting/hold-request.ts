import type { Place } from '../../model/routing.ts';
import type { Call } from '../call.ts';
import { readAhead } from '../clients/read-ahead.ts';
import type { WaitingRoom } from './waiting-room.ts';

/** A request for a held route. */
export interface HeldRequest {
  readonly call: Call;
  readonly place: Place;
  /** The route may lead somewhere now: look again. */
  readonly onRow: (call: Call) => void;
  readonly onRefused: () => void;
}

/**
 * Lets a request wait. Its body is not read meanwhile. A client that leaves is forgotten at once; neither of the calls follows then.
 */
export function holdRequest(room: WaitingRoom, { call, place, onRow, onRefused }: HeldRequest): void {
  const { response } = call;
  const until = call.heldUntil ?? room.deadline();
  const stopReading = call.upgrade === undefined ? undefined : readAhead(call.upgrade);
  let leave = () => {};
  const forget = () => leave();
  const go = () => {
    response.off('close', forget);
    const upgrade = stopReading?.();
    return { ...call, upgrade, heldUntil: until };
  };
  response.once('close', forget);
  leave = room.enter({
    place,
    until,
    onRow: () => onRow(go()),
    onRefused: () => {
      go();
      onRefused();
    },
  });
}
