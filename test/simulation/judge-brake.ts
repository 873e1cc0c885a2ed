import { PROD } from '../../src/model/ids.ts';
import type { RecordedDeployment } from '../../src/model/recorded.ts';
import type { Change } from '../../src/store/changes.ts';
import type { RecordedView } from '../../src/store/recorded.ts';
import type { Model } from './model.ts';
import type { Verdict } from './verdict.ts';

/** Looks at removals: too many at once are let through only by a word that names exactly that set. */
export class RemovalBrake {
  readonly #model: Model;
  readonly #verdict: Verdict;
  /** The sets that were held, by the word that lets them through. */
  readonly #held = new Map<string, string>();

  constructor(model: Model, verdict: Verdict) {
    this.#model = model;
    this.#verdict = verdict;
  }

  /** Takes up what is held: it may have been written without anybody having heard of it. */
  onBoot(recorded: RecordedView): void {
    this.#take([...recorded.deployments.values()]);
  }

  /** The sets that are held, as the rows of their members say. */
  #take(rows: readonly RecordedDeployment[]): void {
    const held = Map.groupBy(rows, ({ next }) => next?.brake ?? null);
    for (const [hash, members] of held) if (hash !== null) this.#held.set(hash, namesOf(members.map(({ app }) => app)));
  }

  onChange(
    changes: readonly Change[],
    before: ReadonlyMap<string, RecordedDeployment>,
    after: ReadonlyMap<string, RecordedDeployment>,
  ): void {
    this.#take([...after.values()]);
    for (const change of changes)
      if ('audit' in change && change.audit.kind === 'deployment.removing' && change.audit.env === PROD)
        this.#onRemoving(change.audit.app ?? '', before);
  }

  #onRemoving(app: string, before: ReadonlyMap<string, RecordedDeployment>): void {
    // What was on its way out before this transaction was let through before and counts no more.
    const rows = [...before.values()].filter(
      (row) => row.env === PROD && row.live !== null && !(row.next?.removes === true && row.next.brake === null),
    );
    const unwanted = rows.filter((row) => this.#model.declared(row.app) === undefined).map((row) => row.app);
    // What never was live is nothing that production loses.
    if (!unwanted.some((name) => name === app)) return;
    const isLarge = unwanted.length >= 3 && unwanted.length > rows.length / 2;
    const word = this.#model.config?.allowRemoval ?? null;
    const isAllowed = word !== null && this.#held.get(word) === namesOf(unwanted);
    this.#verdict.expect(
      !isLarge || isAllowed,
      () => `${app}: one of ${unwanted.length} removals of ${rows.length} apps, which nobody let through`,
    );
  }
}

function namesOf(apps: readonly string[]): string {
  return apps.toSorted().join(', ');
}
