/** The effects there are: what is done outside the store. */
export const EFFECTS = ['build', 'start', 'drain', 'pause', 'stop', 'remove', 'collect', 'purge', 'orphan'] as const;
/** The name of an effect. */
export type EffectName = (typeof EFFECTS)[number];

/** Moments without an effect that a crash may hit as well. */
export const MOMENTS = [
  'listed',
  'resolved',
  'compared',
  'evaluated',
  'accepting',
  'accepted',
  'switching',
  'switched',
  'unrouted',
  'retiring',
  'adopted',
  'dozing',
  'relieving',
] as const;

const PARTS = ['before-intent', 'after-intent', 'after-effect', 'after-commit'] as const;

/** Every named boundary: tests crash at each one. */
export const BOUNDARIES: readonly string[] = [
  ...EFFECTS.flatMap((effect) => PARTS.map((part) => `${effect}:${part}`)),
  ...MOMENTS,
];

/** Called at a boundary; in the daemon it does nothing. */
export type Boundary = (name: BoundaryName) => Promise<void> | undefined;
/** The name of a boundary. */
export type BoundaryName = `${EffectName}:${(typeof PARTS)[number]}` | (typeof MOMENTS)[number];

/** The parts of one effect. Each is a transaction of its own but the effect itself. */
export interface EffectParts<T> {
  /** Writes down what is about to be done; false: it is not wanted any more. */
  readonly intent: () => boolean;
  readonly effect: () => Promise<T>;
  /** Writes down what was observed. */
  readonly commit: (result: T) => void;
}

/**
 * Does one effect in the one order that survives a crash anywhere: a row first, then the effect, then what was observed.
 * Errors of the effect are the caller's, who records them.
 */
export async function performEffect<T>(reach: Boundary, name: EffectName, parts: EffectParts<T>): Promise<void> {
  await reach(`${name}:before-intent`);
  if (!parts.intent()) return;
  await reach(`${name}:after-intent`);
  const result = await parts.effect();
  await reach(`${name}:after-effect`);
  parts.commit(result);
  await reach(`${name}:after-commit`);
}
