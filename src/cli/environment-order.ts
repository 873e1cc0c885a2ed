import { PROD, STAGE } from '../model/ids.ts';

/** The order in which people want environments: production, then stage, then previews by name. */
export function byEnvironment(a: string, b: string): number {
  return rankOf(a) - rankOf(b) || (a < b ? -1 : a > b ? 1 : 0);
}

function rankOf(name: string): number {
  return name === PROD ? 0 : name === STAGE ? 1 : 2;
}
