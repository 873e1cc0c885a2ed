import fc from 'fast-check';

/**
 * fast-check with a seed: always the same examples, so that a red run is one's own doing. `PROPERTY_SEED=random` tries ones that nobody
 * has seen; another number, those of that seed.
 */
const given = process.env.PROPERTY_SEED ?? '20260101';
if (given !== 'random') {
  const seed = Number(given);
  if (!Number.isSafeInteger(seed)) throw new Error(`PROPERTY_SEED: "${given}" is neither a whole number nor "random"`);
  fc.configureGlobal({ seed });
}

export { fc };
