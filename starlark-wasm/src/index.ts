// biome-ignore-all lint/performance/noBarrelFile: this is the entry of the package, and only that

export { isConstructed } from './constructed.ts';
export { createStarlarkPool } from './pool.ts';
export type * from './types.ts';
