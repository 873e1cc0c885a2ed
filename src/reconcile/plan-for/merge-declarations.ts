import type { AppDeclaration } from '../../model/app.ts';
import { isSameJson } from '../../model/canonical.ts';
import type { Declarations } from '../../model/config.ts';
import type { AppId } from '../../model/ids.ts';
import { type Spec, type SpecBook, specNamed } from '../../model/spec.ts';
import { isSameDeclaration, isSameSpec } from '../desire/membership.ts';

/** Declarations as a merge would have them, and the apps that both sides changed. */
export interface MergedDeclarations {
  readonly declarations: Declarations;
  readonly conflicts: readonly AppId[];
}

/** The three sides of a merge. */
export interface Sides<T> {
  readonly base: T;
  readonly main: T;
  readonly branch: T;
}

/** What a merge of a branch into main declares: of each app what the side says that changed it; where both did, what the branch says. */
export function mergeDeclarations({ base, main, branch }: Sides<Declarations>): MergedDeclarations {
  if (main === base) return { declarations: branch, conflicts: [] };
  const sides = { base: byId(base), main: byId(main), branch: byId(branch) };
  const conflicts: AppId[] = [];
  const apps: AppDeclaration[] = [];
  for (const id of new Set([...sides.main.keys(), ...sides.branch.keys()])) {
    const of = { base: sides.base.get(id), main: sides.main.get(id), branch: sides.branch.get(id) };
    const { value, isConflict } = mergeOne(of, isSameApp);
    if (isConflict) conflicts.push(id);
    if (value !== undefined) apps.push(value);
  }
  const previews = mergeOne({ base: base.previews, main: main.previews, branch: branch.previews }, isSameJson).value;
  const release = mergeOne({ base: base.release, main: main.release, branch: branch.release }, isSameJson).value;
  const specs = mergeSpecs({ base: base.specs, main: main.specs, branch: branch.specs });
  return { declarations: { apps, previews, release, specs }, conflicts };
}

/** Of each spec what the side has that changed it. */
function mergeSpecs({ base, main, branch }: Sides<SpecBook>): SpecBook {
  if (base === branch) return main;
  const merged: Record<string, Spec> = {};
  for (const name of new Set([...Object.keys(main), ...Object.keys(branch)])) {
    const sides = { base: specNamed(name, base), main: specNamed(name, main), branch: specNamed(name, branch) };
    const { value } = mergeOne(sides, isSameSpec);
    if (value !== undefined) merged[name] = value;
  }
  return merged;
}

/** What the side says that changed it; the branch, where both did and don't say the same. */
export function mergeOne<T>(
  { base, main, branch }: Sides<T>,
  isSame: (a: T, b: T) => boolean,
): { readonly value: T; readonly isConflict: boolean } {
  if (isSame(branch, base)) return { value: main, isConflict: false };
  return { value: branch, isConflict: !isSame(main, base) && !isSame(main, branch) };
}

function isSameApp(a: AppDeclaration | undefined, b: AppDeclaration | undefined): boolean {
  return a === undefined || b === undefined ? a === b : isSameDeclaration(a, b);
}

function byId({ apps }: Declarations): ReadonlyMap<AppId, AppDeclaration> {
  return new Map(apps.map((app) => [app.id, app]));
}
