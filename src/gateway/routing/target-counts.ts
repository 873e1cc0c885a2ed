import type { HeldTarget, RouteTarget } from '../../model/routing.ts';

type Target = RouteTarget | HeldTarget;
type HttpTarget = RouteTarget & { readonly kind: 'http' };

/** Counts the routes that lead to each upstream, so that the end of the last one shows. */
export class TargetCounts {
  readonly #counts = new Map<string, { readonly target: HttpTarget; count: number }>();
  readonly #left = new Set<string>();

  /** A route led to one target, if any, and leads to another now, if any. */
  replace(old: Target | undefined, target: Target | undefined): void {
    if (target?.kind === 'http') this.#add(target, 1);
    if (old?.kind === 'http') this.#add(old, -1);
  }

  /** What routes led to when this was last asked, and none leads to now. */
  takeLeft(): readonly HttpTarget[] {
    const gone: HttpTarget[] = [];
    for (const key of this.#left) {
      const known = this.#counts.get(key);
      if (known === undefined || known.count > 0) continue;
      this.#counts.delete(key);
      gone.push(known.target);
    }
    this.#left.clear();
    return gone;
  }

  #add(target: HttpTarget, step: 1 | -1): void {
    const key = `${target.external ? 'external ' : ''}${target.url}`;
    const known = this.#counts.get(key);
    if (known === undefined) this.#counts.set(key, { target, count: step });
    else {
      known.count += step;
      if (known.count === 0) this.#left.add(key);
    }
  }
}
