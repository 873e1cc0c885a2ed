import type { Call } from './call.ts';
import type { Place, WaitingRoom } from './waiting-room.ts';

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

type Upgrade = NonNullable<Call['upgrade']>;

const MOST_AHEAD_BYTES = 64 * 1024;

/**
 * Nobody reads a connection that is to be upgraded, and unread it does not show that the client has left. So what comes is read and
 * kept, within bounds; the result stops that and gives all that has come.
 */
export function readAhead(upgrade: Upgrade): () => Upgrade {
  const { socket } = upgrade;
  const chunks = [upgrade.rest];
  let bytes = 0;
  const take = (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= MOST_AHEAD_BYTES) socket.pause();
  };
  const end = () => socket.destroy();
  socket.on('data', take).on('end', end);
  return () => {
    socket.off('data', take).off('end', end).pause();
    return { ...upgrade, rest: Buffer.concat(chunks) };
  };
}
