/** What made something happen: a commit, the bootstrap, or an observation (a crash, idleness, time). */
export type Cause =
  | {
      readonly kind: 'commit';
      readonly repo: string;
      readonly ref: string;
      readonly commit: string;
      readonly author: string | null;
      readonly pull: number | null;
    }
  | { readonly kind: 'bootstrap' }
  | { readonly kind: 'observation'; readonly what: string };

/** The cause of what was merely seen to happen. */
export function observation(what: string): Cause {
  return { kind: 'observation', what };
}
