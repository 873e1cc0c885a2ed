import { BOUNDARIES } from '../../src/reconcile/boundaries.ts';
import { FAULT_KINDS, FAULTY_METHODS, INTERRUPTIBLE, type SimEvent } from './events.ts';

/** Turns one event towards an aim; events that have nothing to do with it stay as they are. */
type Aim = (event: SimEvent) => SimEvent;

/** What a history can be aimed at, by its name in the tally. */
const AIMS: ReadonlyMap<string, Aim> = new Map<string, Aim>([
  ...BOUNDARIES.map((name, boundary): [string, Aim] => [
    `crash at: ${name}`,
    (event) => (event.type === 'crash-at' ? { ...event, boundary } : event),
  ]),
  ...FAULTY_METHODS.flatMap((method) =>
    FAULT_KINDS.map((fault): [string, Aim] => [
      `fault: ${method} ${fault}`,
      (event) => (event.type === 'engine-fault' ? { ...event, method, fault } : event),
    ]),
  ),
  ...INTERRUPTIBLE.map((at): [string, Aim] => [
    `interrupted: ${at}`,
    (event) => (event.type === 'interrupt' ? { ...event, at } : event),
  ]),
]);

/** Whether histories can be aimed at what has this name in the tally. */
export function canAimAt(name: string): boolean {
  return AIMS.has(name);
}

/** The same history, with all its crashes, faults or interruptions at what has this name in the tally. */
export function aimAt(name: string, events: readonly SimEvent[]): readonly SimEvent[] {
  const aim = AIMS.get(name);
  if (aim === undefined) throw new Error(`a history can't be aimed at "${name}"`);
  return events.map(aim);
}
