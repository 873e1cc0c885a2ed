import type { PreviewPolicy, ReleasePolicy } from '../model/config.ts';
import type { SpecTable } from '../model/spec-table.ts';
import { CallChecker } from './call-checker.ts';
import { type CheckedApp, checkApp } from './check-app.ts';
import { type CheckedPolicy, checkPreviews, checkRelease } from './check-policies.ts';
import type { CollectedCall } from './collected.ts';
import type { LocatedError, Spot } from './located-error.ts';
import type { TimeSlice } from './time-slice.ts';

/** One `print(…)`. */
export interface PrintLine extends Spot {
  readonly text: string;
}

/** What the evaluation of one entry file gave, before anything is checked. It depends on the entry, on `loads`, and on nothing else. */
export interface RawOutcome {
  /** The files that loads asked for, with the oid each had; null: there was none. */
  readonly loads: readonly (readonly [path: string, oid: string | null])[];
  readonly calls: readonly CollectedCall[];
  readonly prints: readonly PrintLine[];
  readonly errors: readonly LocatedError[];
}

/** The same, checked. Frozen; one object for as long as nothing that it depends on changes. */
export interface Outcome {
  readonly loads: RawOutcome['loads'];
  readonly prints: readonly PrintLine[];
  readonly apps: readonly CheckedApp[];
  readonly previews: readonly CheckedPolicy<PreviewPolicy>[];
  readonly releases: readonly CheckedPolicy<ReleasePolicy>[];
  readonly errors: readonly LocatedError[];
}

/**
 * Checks everything that one entry file declares. Apps that equal one of the `previous` outcome of the file are that very
 * object, so that what is computed from them can be kept.
 */
export async function checkOutcome(raw: RawOutcome, specs: SpecTable, context: CheckContext = {}): Promise<Outcome> {
  const errors = [...raw.errors, ...misplaced(raw)];
  const known = new Map(context.previous?.apps.map((app) => [JSON.stringify(app), app]));
  const lists: Lists = { apps: [], previews: [], releases: [] };
  for (const call of raw.calls.filter(isPlaced)) {
    errors.push(...checkCall(call, lists, { specs, known }));
    await context.slice?.pause();
  }
  return Object.freeze({ loads: raw.loads, prints: raw.prints, ...lists, errors });
}

/** What helps a check: the file's last outcome, and a way to let others have their turn. */
export interface CheckContext {
  readonly previous?: Outcome | undefined;
  readonly slice?: TimeSlice;
}

interface Lists {
  readonly apps: CheckedApp[];
  readonly previews: CheckedPolicy<PreviewPolicy>[];
  readonly releases: CheckedPolicy<ReleasePolicy>[];
}

interface Known {
  readonly specs: SpecTable;
  readonly known: ReadonlyMap<string, CheckedApp>;
}

/** Checks one call into its list. */
function checkCall(call: CollectedCall, lists: Lists, { specs, known }: Known): readonly LocatedError[] {
  if (call.builtin === 'app') {
    const { app, errors } = checkApp(call, specs);
    lists.apps.push((known.size === 0 ? undefined : known.get(JSON.stringify(app))) ?? app);
    return errors;
  }
  if (call.builtin === 'previews') {
    const checked = checkPreviews(call);
    lists.previews.push(checked.call);
    return checked.errors;
  }
  const checked = checkRelease(call);
  lists.releases.push(checked.call);
  return checked.errors;
}

function isPlaced(call: CollectedCall): boolean {
  return call.problems.every((problem) => problem.kind !== 'loaded');
}

/** Calls made by the top level of a loaded file: that they are made at all is the error. */
function misplaced(raw: RawOutcome): readonly LocatedError[] {
  return raw.calls.flatMap((call) => {
    const problems = call.problems.filter((problem) => problem.kind === 'loaded');
    return new CallChecker({ ...call, trail: '', problems }, `${call.builtin}()`).errors;
  });
}
