import { isSameJson } from '../model/canonical.ts';
import type { NextState, RecordedDeployment } from '../model/recorded.ts';
import { type Place, placeKey, type RouteRow, type Vacancy } from '../model/routing.ts';
import { type Change, put } from '../store/changes.ts';
import type { RecordedView } from '../store/recorded.ts';
import { deploymentKey } from '../store/tables.ts';

/** What decides where an app belongs that is not live. */
interface Context {
  readonly recorded: RecordedView;
  readonly generation: () => number;
}

/**
 * The changes of a transaction with the vacancies that follow: a deployment that is not live, and for which it is known where it belongs,
 * has exactly one route row that says why. Nobody has to remember that who changes a deployment.
 */
export function withVacancies(
  changes: readonly Change[],
  recorded: RecordedView,
  generation: () => number,
): readonly Change[] {
  const rows = deploymentsOf(changes);
  if (rows.size === 0) return changes;
  const routes = new RouteEdits(changes, { recorded, generation });
  for (const [key, row] of rows) {
    const before = recorded.deployments.get(key) ?? row;
    if (before === null) continue;
    const old = recorded.vacancyOf(before.env, before.app);
    const wanted = row === null ? null : placeOf(row, before, old);
    if (old !== undefined && (wanted === null || placeKey(old) !== placeKey(wanted))) routes.leave(old, before);
    if (row !== null && wanted !== null) routes.take(wanted, vacancyOf(row, recorded));
  }
  return routes.all();
}

/** The deployments that a transaction changes, as they are after it; null: gone. */
function deploymentsOf(changes: readonly Change[]): ReadonlyMap<string, RecordedDeployment | null> {
  const rows = new Map<string, RecordedDeployment | null>();
  for (const change of changes) {
    if ('put' in change && change.put === 'deployment') rows.set(deploymentKey(change.row), change.row);
    if ('drop' in change && change.drop === 'deployment') rows.set(deploymentKey(change.row), null);
  }
  return rows;
}

/** Where it belongs; null: it serves, goes, or nobody knows. What is parked belongs where it was, or was to be. */
function placeOf({ live, next }: RecordedDeployment, before: RecordedDeployment, old?: Place): Place | null {
  if (live !== null || next?.removes === true) return null;
  const was = old ?? before.live?.target.policy ?? before.next?.target?.policy;
  return next?.target?.policy ?? was ?? null;
}

function vacancyOf({ env, app, next }: RecordedDeployment, recorded: RecordedView): Vacancy {
  if (next === null) return { env, app, why: 'parked', reason: recorded.environments.get(env)?.parked ?? null };
  return { env, app, ...standingOf(next) };
}

function standingOf({ state, target, reason }: NextState): Pick<Vacancy, 'why' | 'reason'> {
  if (state === 'quarantined' || state === 'held') return { why: 'failed', reason };
  // What is said of a target that goes on changes with each look at it.
  return { why: 'coming', reason: target === null ? reason : null };
}

/** The route rows of a transaction: those that it writes anyway get their vacancy, others are added. */
class RouteEdits {
  readonly #changes: Change[];
  readonly #context: Context;
  /** Where among the changes a place is written last. */
  readonly #written = new Map<string, number>();

  constructor(changes: readonly Change[], context: Context) {
    this.#changes = [...changes];
    this.#context = context;
    for (const [at, change] of changes.entries())
      if ('put' in change && change.put === 'route') this.#written.set(placeKey(change.row), at);
  }

  all(): readonly Change[] {
    return this.#changes;
  }

  /** Takes away what a row says of an app, unless it has come to be said of another one. */
  leave(place: Place, { env, app }: Pick<RecordedDeployment, 'env' | 'app'>): void {
    const row = this.#rowAt(place);
    if (row?.vacancy?.env === env && row.vacancy.app === app) this.#write({ ...row, vacancy: null });
  }

  take({ host, path }: Place, vacancy: Vacancy): void {
    const { env, app } = vacancy;
    const row = this.#rowAt({ host, path }) ?? { host, path, generation: 0, env, app, serve: null };
    if (!isSameJson(row.vacancy ?? null, vacancy)) this.#write({ ...row, vacancy });
  }

  #rowAt(place: Place): RouteRow | undefined {
    const at = this.#written.get(placeKey(place));
    const change = at === undefined ? undefined : this.#changes[at];
    if (change !== undefined && 'put' in change && change.put === 'route') return change.row;
    return this.#context.recorded.route(place.host, place.path);
  }

  #write(row: RouteRow): void {
    const at = this.#written.get(placeKey(row));
    if (at !== undefined) this.#changes[at] = put('route', row);
    else {
      this.#written.set(placeKey(row), this.#changes.length);
      this.#changes.push(put('route', { ...row, generation: this.#context.generation() }));
    }
  }
}
