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
    for (const { removalHash, members } of recorded.releases.values())
      if (removalHash !== null) this.#held.set(removalHash, namesOf(members));
  }

  onChange(changes: readonly Change[], before: ReadonlyMap<string, RecordedDeployment>): void {
    for (const change of changes)
      if ('put' in change && change.put === 'release' && change.row.removalHash !== null)
        this.#held.set(change.row.removalHash, namesOf(change.row.members));
    for (const change of changes)
      if ('audit' in change && change.audit.kind === 'deployment.removing')
        this.#onRemoving(change.audit.app ?? '', before);
  }

  #onRemoving(app: string, before: ReadonlyMap<string, RecordedDeployment>): void {
    // What was on its way out before this transaction was let through before and counts no more.
    const rows = [...before.values()].filter((row) => row.live !== null && row.next?.state !== 'removing');
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
