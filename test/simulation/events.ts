import fc from 'fast-check';
import { BOUNDARIES } from '../../src/reconcile/boundaries.ts';
import type { ListingFault } from './sim-git.ts';

/** How the code of a folder behaves when it is built and runs. */
export const BEHAVIOURS = [
  'ok',
  /** Healthy after three seconds. */
  'slow',
  /** Ends at once when it is started for the first two times. */
  'crashy',
  /** Ends after some seconds, twice. */
  'flaky',
  /** Goes on until it is killed when it is asked to stop. */
  'stubborn',
  /** Answers at `/` and nowhere else. */
  'shallow',
  /** Runs and never gets healthy. */
  'sick',
  /** Runs and never answers. */
  'mute',
  /** Ends at once, always. */
  'dead',
  /** Does not build. */
  'broken',
] as const;
/** One of them. */
export type Behaviour = (typeof BEHAVIOURS)[number];

/** What may be edited of an app that is declared. */
export const APP_EDITS = [
  'change-app',
  'remove-app',
  'move-app',
  'trade-routes',
  'pin-app',
  'change-policy',
  'change-health',
  'change-idle',
] as const;

/** What becomes of the hint that follows a push. */
export type Hint = 'given' | 'doubled' | 'lost';

/** What one event of a history is. Numbers name things by position among those that exist when it happens. */
export type SimEvent = { readonly pauseMs: number } & (
  | {
      readonly type: 'push';
      readonly repo: number;
      readonly folder: number;
      readonly behaviour: Behaviour;
      readonly hint: Hint;
    }
  | { readonly type: 'force-push' | 'revert'; readonly repo: number; readonly back: number; readonly hint: Hint }
  | { readonly type: 'delete-branch' | 'restore-branch'; readonly repo: number }
  | { readonly type: 'delete-folder'; readonly repo: number; readonly folder: number }
  | {
      readonly type: 'add-app';
      readonly app: number;
      readonly spec: number;
      readonly repo: number;
      readonly folder: number;
      readonly hint: Hint;
    }
  | {
      readonly type: (typeof APP_EDITS)[number];
      readonly app: number;
      readonly value: number;
      readonly hint: Hint;
    }
  | { readonly type: 'break-config' | 'mend-config'; readonly hint: Hint }
  | { readonly type: 'force-config'; readonly back: number; readonly hint: Hint }
  | { readonly type: 'remove-most'; readonly keep: number }
  | { readonly type: 'allow-removal'; readonly alsoDrops: boolean }
  | { readonly type: 'change-limits'; readonly value: number; readonly hint: Hint }
  | BranchEvent
  | { readonly type: 'listing-fault'; readonly repo: number; readonly fault: ListingFault; readonly ms: number }
  | { readonly type: 'outage'; readonly fault: ListingFault; readonly ms: number }
  | {
      readonly type: 'engine-fault';
      readonly method: FaultyMethod;
      readonly fault: FaultKind;
      readonly times: number;
    }
  | { readonly type: 'crash' }
  | { readonly type: 'crash-at'; readonly boundary: number; readonly after: number }
  | { readonly type: 'crash-at-write'; readonly after: number; readonly written: boolean }
  | { readonly type: 'fail-write'; readonly after: number }
  | { readonly type: 'stray'; readonly what: 'instance' | 'artifact' }
  | {
      readonly type: 'kill' | 'remove-by-hand' | 'pause-by-hand' | 'resume-by-hand' | 'lose-artifact';
      readonly which: number;
    }
  | { readonly type: 'lose-events' | 'disk-full' | 'deaf-gateway' | 'memory-short'; readonly ms: number }
  | { readonly type: 'gap' | 'forged-hint' }
  | { readonly type: 'interrupt'; readonly at: Interruptible }
  | { readonly type: 'request'; readonly which: number; readonly ms: number }
  | { readonly type: 'wait'; readonly ms: number }
);

/** Where something happens: a branch of a repo, by one of a few names. */
interface OnBranch {
  readonly repo: number;
  readonly name: number;
  readonly hint: Hint;
}

/** An event on a branch. */
export type BranchEvent =
  | (OnBranch & { readonly type: 'branch'; readonly from: number | 'nowhere' })
  | (OnBranch & { readonly type: 'push-branch'; readonly folder: number; readonly behaviour: Behaviour })
  | (OnBranch & { readonly type: 'edit-branch'; readonly edit: BranchEdit; readonly value: number })
  | (OnBranch & { readonly type: 'merge'; readonly how: (typeof MERGES)[number] })
  | (OnBranch & { readonly type: 'drop-branch' });

const EDITS = ['params', 'params', 'add', 'remove', 'trade', 'pin', 'break', 'break', 'mend'] as const;
/** What is edited in the config of a branch. */
export type BranchEdit = (typeof EDITS)[number];

const MERGES = ['merge', 'squash', 'rebase'] as const;

/** Every type of event, for the count at the end of a run. */
export const EVENT_TYPES = [
  'push',
  'force-push',
  'revert',
  'delete-branch',
  'restore-branch',
  'delete-folder',
  'add-app',
  ...APP_EDITS,
  'interrupt',
  'break-config',
  'mend-config',
  'force-config',
  'remove-most',
  'allow-removal',
  'change-limits',
  'branch',
  'push-branch',
  'edit-branch',
  'merge',
  'drop-branch',
  'listing-fault',
  'outage',
  'engine-fault',
  'crash',
  'crash-at',
  'crash-at-write',
  'fail-write',
  'stray',
  'kill',
  'remove-by-hand',
  'pause-by-hand',
  'resume-by-hand',
  'lose-artifact',
  'lose-events',
  'disk-full',
  'deaf-gateway',
  'memory-short',
  'gap',
  'forged-hint',
  'request',
  'wait',
] as const;

/** What a fault may hit: methods of the engines, the health probe, the evaluation of the config, the fetch of a commit. */
export const FAULTY_METHODS = [
  'build',
  'start',
  'stop',
  'pause',
  'remove',
  'removeArtifact',
  'removeData',
  'list',
  'listArtifacts',
  'probe',
  'evaluate',
  'fetch',
  'mergeBase',
] as const;
/** One of them. */
export type FaultyMethod = (typeof FAULTY_METHODS)[number];

/** What goes wrong: without an effect, after it took place, no answer at all, an answer that takes nine seconds. */
export const FAULT_KINDS = ['fail-before', 'fail-after', 'hang', 'slow'] as const;
/** One of them. */
export type FaultKind = (typeof FAULT_KINDS)[number];

/** What a listing can be but right. */
export const LISTING_FAULTS = ['fails', 'hangs', 'empty', 'partial'] as const satisfies readonly ListingFault[];

/** Moments in which somebody may push just what changes everything, while the controller is slow. */
export const INTERRUPTIBLE = ['probe', 'accepting', 'switching', 'retiring', 'dozing', 'purge:after-intent'] as const;
/** One of them. */
export type Interruptible = (typeof INTERRUPTIBLE)[number];

/** What a hint can be. */
export const HINTS = ['given', 'doubled', 'lost'] as const satisfies readonly Hint[];

/** Longer than anything is retained. */
const LONG_WAIT_MS = 1_200_000;

/** Longer than most apps may be idle, and than anything is drained. */
const LONG_REQUEST_MS = 200_000;

/** Boundaries that are seldom reached: few things are paused. */
const PAUSING = BOUNDARIES.flatMap((name, place) => (name.startsWith('pause:') ? [place] : []));

const repo = fc.nat({ max: 2 });
const folder = fc.nat({ max: 2 });
const name = fc.nat({ max: 3 });
const hint = fc.constantFrom<Hint>('given', 'given', 'doubled', 'lost', 'lost');
const listingFault = fc.constantFrom(...LISTING_FAULTS);
const app = fc.nat({ max: 7 });
const which = fc.nat({ max: 9 });
const pauseMs = fc.oneof(fc.constant(0), fc.nat({ max: 60 }), fc.nat({ max: 2_000 }), fc.nat({ max: 40_000 }));
const behaviour = fc.oneof(
  { weight: 2, arbitrary: fc.constant<Behaviour>('ok') },
  { weight: 3, arbitrary: fc.constantFrom(...BEHAVIOURS) },
);
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
  event(4, { type: type('revert'), repo, back: fc.integer({ min: 1, max: 3 }), hint }),
  event(2, { type: type('delete-branch', 'restore-branch'), repo }),
  event(1, { type: type('delete-folder'), repo, folder }),
  event(12, { type: type('add-app'), app, spec: fc.nat({ max: 3 }), repo, folder, hint }),
  event(18, {
    type: type(...APP_EDITS),
    app,
    value: fc.nat({ max: 5 }),
    hint,
  }),
  event(4, { type: type('break-config', 'mend-config'), hint }),
  event(2, { type: type('force-config'), back: fc.nat({ max: 5 }), hint }),
  event(3, { type: type('remove-most'), keep: fc.nat({ max: 2 }) }),
  event(5, { type: type('allow-removal'), alsoDrops: fc.boolean() }),
  event(3, { type: type('change-limits'), value: fc.nat({ max: 6 }), hint }),
  event(4, {
    ...{ type: type('branch'), repo, name, hint },
    from: fc.constantFrom<number | 'nowhere'>(0, 0, 1, 2, 'nowhere'),
  }),
  event(12, { type: type('push-branch'), repo, name, folder, behaviour, hint }),
  event(8, { type: type('edit-branch'), repo, name, edit: fc.constantFrom(...EDITS), value: fc.nat({ max: 7 }), hint }),
  event(6, { type: type('merge'), repo, name, how: fc.constantFrom(...MERGES), hint }),
  event(4, { type: type('drop-branch'), repo, name, hint }),
  event(5, { type: type('listing-fault'), repo, fault: listingFault, ms }),
  event(1, { type: type('outage'), fault: listingFault, ms: fc.constantFrom(120_000, 300_000, 900_000, 3_700_000) }),
  event(8, {
    type: type('engine-fault'),
    method: fc.constantFrom<FaultyMethod>(...FAULTY_METHODS, 'pause', 'pause'),
    fault: fc.constantFrom(...FAULT_KINDS),
    times: fc.integer({ min: 1, max: 2 }),
  }),
  event(3, { type: type('crash') }),
  event(9, {
    type: type('crash-at'),
    boundary: fc.oneof(
      { weight: 7, arbitrary: fc.nat({ max: BOUNDARIES.length - 1 }) },
      { weight: 1, arbitrary: fc.constantFrom(...PAUSING) },
    ),
    after: fc.integer({ min: 1, max: 3 }),
  }),
  event(3, { type: type('crash-at-write'), after: fc.integer({ min: 1, max: 8 }), written: fc.boolean() }),
  event(2, { type: type('fail-write'), after: fc.integer({ min: 1, max: 8 }) }),
  event(2, { type: type('stray'), what: fc.constantFrom('instance', 'artifact') }),
  event(6, { type: type('kill', 'remove-by-hand', 'lose-artifact'), which }),
  event(5, { type: type('pause-by-hand', 'resume-by-hand'), which }),
  event(5, { type: type('lose-events', 'disk-full', 'deaf-gateway'), ms: fc.nat({ max: 20_000 }) }),
  event(5, { type: type('memory-short'), ms: fc.nat({ max: 90_000 }) }),
  event(2, { type: type('gap', 'forged-hint') }),
  event(4, { type: type('interrupt'), at: fc.constantFrom(...INTERRUPTIBLE) }),
  event(5, { type: type('request'), which, ms: fc.oneof(fc.nat({ max: 45_000 }), fc.constant(LONG_REQUEST_MS)) }),
  event(6, {
    type: type('wait'),
    ms: fc.oneof(
      { weight: 9, arbitrary: fc.nat({ max: 120_000 }) },
      { weight: 1, arbitrary: fc.constant(LONG_WAIT_MS) },
    ),
  }),
);

/** Some apps with code that runs: what most histories begin with, so that there is something to lose. */
const someApps: fc.Arbitrary<SimEvent[]> = fc
  .array(fc.record({ spec: fc.nat({ max: 3 }), repo: fc.nat({ max: 1 }), folder }), { minLength: 2, maxLength: 5 })
  .map((apps) =>
    apps.flatMap((place, app): SimEvent[] => [
      { type: 'push', repo: place.repo, folder: place.folder, behaviour: 'ok', hint: 'lost', pauseMs: 0 },
      { type: 'add-app', app, ...place, hint: 'given', pauseMs: app === apps.length - 1 ? 20_000 : 0 },
    ]),
  );

/** A history: at least sixty events. */
export const anyHistory: fc.Arbitrary<SimEvent[]> = fc
  .tuple(
    fc.oneof({ weight: 2, arbitrary: someApps }, { weight: 1, arbitrary: fc.constant([]) }),
    fc.array(anyEvent, { minLength: 60, maxLength: 76, size: 'max' }),
  )
  .map(([first, others]) => [...first, ...others]);

/** An event as a person reads it. */
export function describeEvent(event: SimEvent): string {
  const { type: name, pauseMs: pause, ...rest } = event;
  const details = Object.entries(rest).map(([key, value]) =>
    key === 'boundary' ? `at ${BOUNDARIES[value as number]}` : `${key} ${String(value)}`,
  );
  return `${[name, ...details].join(', ')}${pause > 0 ? `; then ${pause} ms pass` : ''}`;
}

/** How long an event itself takes, in milliseconds. */
export function durationOf(event: SimEvent): number {
  return event.type === 'wait' || event.type === 'outage' ? event.ms : 0;
}
