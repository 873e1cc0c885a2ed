import type { PreviewPolicy, ReleasePolicy } from '../model/config.ts';
import type { SpecTable } from '../model/spec-table.ts';
import { CallChecker } from './call-checker.ts';
import { type CheckedApp, checkApp } from './check-app.ts';
import { type CheckedPolicy, checkPreviews, checkRelease } from './check-policies.ts';
import type { CollectedCall } from './collected.ts';
import type { LocatedError, Spot } from './located-error.ts';

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
export function checkOutcome(raw: RawOutcome, specs: SpecTable, previous?: Outcome): Outcome {
  const calls = raw.calls.filter((call) => call.problems.every((problem) => problem.kind !== 'loaded'));
  const named = (builtin: string) => calls.filter((call) => call.builtin === builtin);
  const apps = named('app').map((call) => checkApp(call, specs));
  const previews = named('previews').map(checkPreviews);
  const releases = named('release').map(checkRelease);
  return Object.freeze({
    loads: raw.loads,
    prints: raw.prints,
    apps: reuseEqual(
      apps.map(({ app }) => app),
      previous?.apps ?? [],
    ),
    previews: previews.map(({ call }) => call),
    releases: releases.map(({ call }) => call),
    errors: [...raw.errors, ...misplaced(raw), ...[...apps, ...previews, ...releases].flatMap(({ errors }) => errors)],
  });
}

/** Calls made by the top level of a loaded file: that they are made at all is the error. */
function misplaced(raw: RawOutcome): readonly LocatedError[] {
  return raw.calls.flatMap((call) => {
    const problems = call.problems.filter((problem) => problem.kind === 'loaded');
    return new CallChecker({ ...call, trail: '', problems }, `${call.builtin}()`).errors;
  });
}

function reuseEqual(apps: readonly CheckedApp[], previous: readonly CheckedApp[]): readonly CheckedApp[] {
  if (previous.length === 0) return apps;
  const known = new Map(previous.map((app) => [JSON.stringify(app), app]));
  return apps.map((app) => known.get(JSON.stringify(app)) ?? app);
}
