import { randomBytes } from 'node:crypto';
import { chainEvent } from '../audit/chain.ts';
import type { Clock } from '../model/clock.ts';
import { withVacancies } from '../reconcile/vacancies.ts';
import { audit } from '../store/changes.ts';
import { type Connection, openDatabase } from '../store/database.ts';
import { installationId, Store } from '../store/store.ts';
import { placesIn } from './places.ts';

/** Opens the store of a data folder for its one writer. */
export function openStore(dataDir: string, clock: Clock): { readonly store: Store; readonly connection: Connection } {
  const connection = openDatabase(placesIn(dataDir).database);
  const store = new Store({ connection, clock, chain: chainEvent, complete: withVacancies });
  if (installationId(connection) === '') createInstallation(store);
  return { store, connection };
}

/** Makes the store of a new installation, with its first audit event. */
export function createStore(dataDir: string, clock: Clock): void {
  openStore(dataDir, clock).store.close();
}

function createInstallation(store: Store): void {
  const installation = randomBytes(6).toString('hex');
  store.setMeta('installation', installation);
  store.transact(() => [
    audit({
      kind: 'installation.created',
      env: null,
      app: null,
      cause: { kind: 'bootstrap' },
      detail: { installation },
    }),
  ]);
}
