import fc from 'fast-check';
import { BOUNDARIES } from '../../src/reconcile/boundaries.ts';
import type { ListingFault } from './sim-git.ts';

/** How the code of a folder behaves when it runs. */
export type Behaviour = 'ok' | 'slow' | 'crashy' | 'sick';

/** What one event of a history is. Numbers name things by position among those that exist when it happens. */
export type SimEvent = { readonly pauseMs: number } & (
  | {
      readonly type: 'push';
      readonly repo: number;
      readonly folder: number;
      readonly behaviour: Behaviour;
      readonly hint: boolean;
    }
  | { readonly type: 'force-push'; readonly repo: number; readonly back: number; readonly hint: boolean }
  | { readonly type: 'delete-branch' | 'restore-branch'; readonly repo: number }
  | { readonly type: 'delete-folder'; readonly repo: number; readonly folder: number }
  | {
      readonly type: 'add-app';
      readonly app: number;
      readonly spec: number;
      readonly repo: number;
      readonly folder: number;
      readonly hint: boolean;
    }
  | {
      readonly type: 'change-app' | 'remove-app' | 'move-app' | 'change-policy';
      readonly app: number;
      readonly value: number;
      readonly hint: boolean;
    }
  | { readonly type: 'break-config' | 'mend-config'; readonly hint: boolean }
  | { readonly type: 'force-config'; readonly back: number; readonly hint: boolean }
  | { readonly type: 'remove-most'; readonly keep: number }
  | { readonly type: 'allow-removal' }
  | { readonly type: 'listing-fault'; readonly repo: number; readonly fault: ListingFault; readonly ms: number }
  | {
      readonly type: 'engine-fault';
      readonly method: string;
      readonly fault: 'fail-before' | 'fail-after' | 'hang' | 'slow';
      readonly times: number;
    }
  | { readonly type: 'crash' }
  | { readonly type: 'crash-at'; readonly boundary: number; readonly after: number }
  | { readonly type: 'kill' | 'remove-by-hand' | 'lose-artifact'; readonly which: number }
  | { readonly type: 'lose-events' | 'disk-full' | 'deaf-gateway'; readonly ms: number }
  | { readonly type: 'gap' | 'forged-hint' }
  | { readonly type: 'request'; readonly which: number; readonly ms: number }
  | { readonly type: 'wait'; readonly ms: number }
);

/** Every type of event, for the count at the end of a run. */
export const EVENT_TYPES = [
  'push',
  'force-push',
  'delete-branch',
  'restore-branch',
  'delete-folder',
  'add-app',
  'change-app',
  'remove-app',
  'move-app',
  'change-policy',
  'break-config',
  'mend-config',
  'force-config',
  'remove-most',
  'allow-removal',
  'listing-fault',
  'engine-fault',
  'crash',
  'crash-at',
  'kill',
  'remove-by-hand',
  'lose-artifact',
  'lose-events',
  'disk-full',
  'deaf-gateway',
  'gap',
  'forged-hint',
  'request',
  'wait',
] as const;

/** Methods of an engine that a fault may hit. */
export const FAULTY_METHODS = ['build', 'start', 'stop', 'remove', 'removeArtifact', 'removeData', 'list'] as const;

const repo = fc.nat({ max: 2 });
const folder = fc.nat({ max: 2 });
const hint = fc.boolean();
const app = fc.nat({ max: 7 });
const which = fc.nat({ max: 9 });
const pauseMs = fc.oneof(fc.constant(0), fc.nat({ max: 60 }), fc.nat({ max: 2_000 }), fc.nat({ max: 40_000 }));
const behaviour = fc.constantFrom<Behaviour>('ok', 'ok', 'slow', 'crashy', 'sick');
const ms = fc.nat({ max: 90_000 });

function event<T extends object>(
  weight: number,
  shape: { [K in keyof T]: fc.Arbitrary<T[K]> },
): fc.WeightedArbitrary<SimEvent> {
  return { weight, arbitrary: fc.record({ ...shape, pauseMs } as never) as unknown as fc.Arbitrary<SimEvent> };
}

const type = <T extends string>(...types: T[]) => fc.constantFrom(...types);

/** One event, the ordinary ones more often than the rare ones. */
const anyEvent: fc.Arbitrary<SimEvent> = fc.oneof(
  event(14, { type: type('push'), repo, folder, behaviour, hint }),
  event(2, { type: type('force-push'), repo, back: fc.nat({ max: 5 }), hint }),
  event(2, { type: type('delete-branch', 'restore-branch'), repo }),
  event(1, { type: type('delete-folder'), repo, folder }),
  event(12, { type: type('add-app'), app, spec: fc.nat({ max: 3 }), repo, folder, hint }),
  event(12, {
    type: type('change-app', 'remove-app', 'move-app', 'change-policy'),
    app,
    value: fc.nat({ max: 5 }),
    hint,
  }),
  event(4, { type: type('break-config', 'mend-config'), hint }),
  event(2, { type: type('force-config'), back: fc.nat({ max: 5 }), hint }),
  event(2, { type: type('remove-most'), keep: fc.nat({ max: 2 }) }),
  event(2, { type: type('allow-removal') }),
  event(5, {
    type: type('listing-fault'),
    repo,
    fault: fc.constantFrom<ListingFault>('fails', 'hangs', 'empty', 'partial'),
    ms,
  }),
  event(6, {
    type: type('engine-fault'),
    method: fc.constantFrom(...FAULTY_METHODS),
    fault: fc.constantFrom('fail-before', 'fail-after', 'hang', 'slow'),
    times: fc.integer({ min: 1, max: 2 }),
  }),
  event(3, { type: type('crash') }),
  event(9, {
    type: type('crash-at'),
    boundary: fc.nat({ max: BOUNDARIES.length - 1 }),
    after: fc.integer({ min: 1, max: 3 }),
  }),
  event(6, { type: type('kill', 'remove-by-hand', 'lose-artifact'), which }),
  event(5, { type: type('lose-events', 'disk-full', 'deaf-gateway'), ms: fc.nat({ max: 20_000 }) }),
  event(2, { type: type('gap', 'forged-hint') }),
  event(4, { type: type('request'), which, ms: fc.nat({ max: 45_000 }) }),
  event(6, { type: type('wait'), ms: fc.oneof(fc.nat({ max: 120_000 }), fc.constant(4_500_000)) }),
);

/** A history: at least sixty events. */
export const anyHistory: fc.Arbitrary<SimEvent[]> = fc.array(anyEvent, { minLength: 60, maxLength: 80, size: 'max' });

/** An event as a person reads it. */
export function describeEvent(event: SimEvent): string {
  const { type: name, pauseMs: pause, ...rest } = event;
  const details = Object.entries(rest).map(([key, value]) =>
    key === 'boundary' ? `at ${BOUNDARIES[value as number]}` : `${key} ${String(value)}`,
  );
  return `${[name, ...details].join(', ')}${pause > 0 ? `; then ${pause} ms pass` : ''}`;
}
