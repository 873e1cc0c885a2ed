import type { Json } from './json.ts';

/** The shape of one option that a spec documents. */
export type OptionRule = {
  /** What it is for, in a few words. */
  readonly description?: string;
  /** What it is where it is not given; absent: nothing. */
  readonly default?: Json;
  /** True: it decides what a build yields, which is the same in every environment: no environment can override it. */
  readonly build?: boolean;
  /** Named in error messages and by the plan when false: accepted and checked, but without effect in this version. Default true. */
  readonly inEffect?: boolean;
  /** Default false. */
  readonly required?: boolean;
} & (
  | { readonly kind: 'flag' | 'size' | 'duration' | 'url' | 'list' }
  /** `form` says in words what `pattern` lets through. */
  | { readonly kind: 'text'; readonly pattern?: string; readonly form?: string }
  /** A shell command: a line of text that is not empty. */
  | { readonly kind: 'command' }
  /** A path below the source folder, or of a request. */
  | { readonly kind: 'path' }
  | { readonly kind: 'integer' | 'number'; readonly min?: number; readonly max?: number }
  | { readonly kind: 'choice'; readonly of: readonly string[] }
  /** A list of such. */
  | { readonly kind: 'choices'; readonly of: readonly string[] }
);

/** Options by name. */
export type OptionRules = Readonly<Record<string, OptionRule>>;

/** What a spec lets an app say. Plain data, so that the config dialect can check apps without knowing the engines. */
export interface SpecRules {
  /** False: the source must be `-`. */
  readonly needsSource: boolean;
  /** What `strip_path` is where it is not declared. */
  readonly stripPath: boolean;
  /** True: the spec works one way only, and `strip_path` can't say otherwise. */
  readonly stripPathFixed?: boolean;
  /** True: a container runs, so `container_args`, `container_vols` and `refresh` mean something. */
  readonly containers?: boolean;
  /** What `slash` is where it is not declared; `always`: what serves such apps leads the bare path to the one with a slash by itself. */
  readonly slash: boolean | 'always';
  /** `environment`: any name, handed to the app as environment variables. Else: exactly these. */
  readonly params: 'environment' | OptionRules;
  /** Of `environment`: the names that the spec documents. What is given for them has to fit; other names are free. */
  readonly knownParams?: OptionRules;
  readonly containerOpts: OptionRules;
  readonly appConfig: OptionRules;
}

/** Every spec by name; null: one that has errors. `auto` is not in it: it may become any spec that needs a source. */
export type SpecTable = Readonly<Record<string, SpecRules | null>>;
