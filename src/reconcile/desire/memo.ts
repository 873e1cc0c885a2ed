import type { AppDeclaration } from '../../model/app.ts';
import type { Target } from '../../model/desired.ts';
import type { Problem } from '../../model/errors.ts';
import type { Needs } from '../../model/git-facts.ts';
import type { EnvName } from '../../model/ids.ts';
import type { Settings } from '../../model/settings.ts';
import type { ResolvedSource } from '../../model/source.ts';
import type { SpecBook } from '../../model/spec.ts';
import type { Suspects } from './membership.ts';
import type { Core, DeclaredIn } from './target.ts';

/** Everything that a target is made from besides its declaration. */
export interface Origin {
  readonly core: Core;
  readonly state: ResolvedSource | null;
  readonly config: DeclaredIn;
  readonly ref: string | null;
}

/** Everything that a core is made from besides its declaration. */
export interface CoreOrigin {
  /** Names the files and what was read of them. */
  readonly files: string;
  readonly settings: Settings;
  readonly specs: SpecBook;
  /** The period that the artifact is made for; null: for ever. */
  readonly refresh: string | null;
}

function isSameCore(a: CoreOrigin, b: CoreOrigin): boolean {
  return a.files === b.files && a.settings === b.settings && a.specs === b.specs && a.refresh === b.refresh;
}

function isSameOrigin(a: Origin, b: Origin): boolean {
  const { repo, commit, cause } = a.config;
  if (a.core !== b.core || a.state !== b.state || a.ref !== b.ref) return false;
  return repo === b.config.repo && commit === b.config.commit && cause === b.config.cause;
}

/**
 * What was worked out before for one environment, by declaration. Only saves work: a declaration that was not evaluated again is
 * the same object, and with the same files behind it, yields the same target.
 */
export class TargetMemo {
  readonly #cores = new WeakMap<AppDeclaration, { from: CoreOrigin; core: Core | Problem }>();
  readonly #targets = new WeakMap<AppDeclaration, { of: Origin; target: Target }>();

  /** The remembered value, or the one that `make` yields. */
  core(app: AppDeclaration, from: CoreOrigin, make: () => Core | Problem): Core | Problem {
    const known = this.#cores.get(app);
    if (known !== undefined && isSameCore(known.from, from)) return known.core;
    const core = make();
    this.#cores.set(app, { from, core });
    return core;
  }

  /** The remembered target, while it is made from the very same values, or the one that `make` yields. */
  target(app: AppDeclaration, of: Origin, make: () => Target): Target {
    const known = this.#targets.get(app);
    if (known !== undefined && isSameOrigin(known.of, of)) return known.target;
    const target = make();
    this.#targets.set(app, { of, target });
    return target;
  }
}

/** Suspects, with what was looked at to find them: it is still needed when they are remembered. */
export type FoundSuspects = Suspects & { readonly needs: Needs };

/** What passes remember of the ones before: by environment, so that one that is gone is forgotten. Only saves work. */
export class DesireMemo {
  readonly #targets = new Map<EnvName, TargetMemo>();
  readonly #suspects = new Map<EnvName, { readonly of: readonly unknown[]; readonly suspects: FoundSuspects }>();

  /** What is remembered of one environment. */
  of(env: EnvName): TargetMemo {
    const known = this.#targets.get(env) ?? new TargetMemo();
    this.#targets.set(env, known);
    return known;
  }

  /** The apps that a preview may hold, while they are found from the very same values and all of that is known. */
  suspects(env: EnvName, of: readonly unknown[], make: () => FoundSuspects): FoundSuspects {
    const known = this.#suspects.get(env);
    if (known?.of.length === of.length && known.of.every((value, index) => value === of[index])) return known.suspects;
    const suspects = make();
    if (suspects.isKnown) this.#suspects.set(env, { of, suspects });
    else this.#suspects.delete(env);
    return suspects;
  }

  /** Forgets all environments but these. */
  keepOnly(envs: ReadonlySet<string>): void {
    for (const map of [this.#targets, this.#suspects])
      for (const env of map.keys()) if (!envs.has(env)) map.delete(env);
  }
}
