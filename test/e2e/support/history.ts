import type { TestContext } from 'node:test';
import { BOUNDARIES } from '../../../src/reconcile/boundaries.ts';
import type { Director } from './director.ts';
import { Installation } from './installation.ts';
import { readTables } from './inventory.ts';
import { untilActedOn } from './pushed.ts';
import type { Together } from './release-watch.ts';
import type { SettingsValues } from './settings-text.ts';

/** The boundaries that process apps come by: their engine pauses nothing, and no test takes the machine's memory away. */
export const OF_PROCESSES: readonly string[] = BOUNDARIES.filter(
  (boundary) => !boundary.startsWith('pause:') && boundary !== 'relieving',
);

/** One part of a history: what people do. */
export interface Phase {
  readonly name: string;
  act(installation: Installation): Promise<unknown>;
  /** All that it brings was built before. */
  readonly buildsNothing?: boolean;
}

/** What happens to an installation from its start on, in parts after each of which all comes to rest. */
export interface History {
  readonly settings: Partial<SettingsValues>;
  /** Pushes what is there before the first start. */
  begin(installation: Installation): Promise<unknown>;
  readonly phases: readonly Phase[];
  /** What a client looks at after each phase. */
  readonly lookedAt: readonly string[];
  /** The apps that nobody looks at, and that are asleep after each phase. */
  readonly sleepers: readonly string[];
  /** The boundaries that it comes by at least. */
  readonly boundaries: readonly string[];
  /** The app that is live from the first moment to the last, and what it may say. */
  readonly steady: { readonly path: string; readonly isGood: (body: string) => boolean };
  /** Apps that are never seen apart. */
  readonly together: Together;
}

/** Whether timers of retention have nothing left to do: no data of removed apps, no artifact that nothing refers to. */
export function isRetentionOver(installation: Installation): boolean {
  const tables = new Map(readTables(installation));
  const referring = ['deployments', 'instances'].flatMap((table) => tables.get(table) ?? []);
  const text = JSON.stringify(
    referring.map(({ live, next, kept, target }) => [live ?? '', next ?? '', kept ?? '', target ?? '']),
  );
  const artifacts = tables.get('artifacts') ?? [];
  return (tables.get('retained') ?? []).length === 0 && artifacts.every(({ key }) => text.includes(String(key)));
}

/** Whether the apps of a history that nobody looks at are asleep. */
export function isAsleep(installation: Installation, { sleepers }: Pick<History, 'sleepers'>): boolean {
  const tables = new Map(readTables(installation));
  const rowsOf = (table: string, of: string) => (tables.get(table) ?? []).filter(({ app }) => app === of);
  return sleepers.every(
    (app) =>
      rowsOf('deployments', app).every(({ live, next }) => /"asleep":true/.test(String(live)) && next === null) &&
      rowsOf('instances', app).every(({ state }) => state === 'stopped'),
  );
}

/** Makes an installation with what is there before the first start. */
export async function prepare(t: TestContext, { settings, begin }: History): Promise<Installation> {
  // What the program calls itself goes into hashes, so it has to be the same everywhere.
  const fixed = { retain: '1s', pollInterval: '5s', publicUrl: 'http://localhost', gateways: 2 };
  const installation = await Installation.create(t, {}, { ...fixed, ...settings });
  await begin(installation);
  return installation;
}

/** From here on what is there first is live, and the director watches. */
export async function goLive(installation: Installation, director: Director): Promise<void> {
  await installation.serve({ env: director.environment });
  await untilActedOn(installation);
  director.start();
}
