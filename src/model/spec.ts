import type { HealthPolicy, IdlePolicy } from './app.ts';
import type { EngineName } from './revision.ts';
import type { SpecRules } from './spec-table.ts';

/** One app spec: which engine runs it, what an app may say, what goes into a build, by which files it is found. Plain data. */
export interface Spec {
  readonly name: string;
  /** What it is, in a few words. */
  readonly description: string;
  readonly engine: EngineName;
  readonly rules: SpecRules;
  /** Whether something of it runs that may be stopped while nobody uses it. */
  readonly sleeps: boolean;
  /** The file that a static tree serves for what does not exist; null: 404, or nothing static. */
  readonly fallback: string | null;
  /** Names in `app_config` that decide what a build yields. All others may change without one. Containers name theirs in `args`. */
  readonly buildOptions: readonly string[];
  /** How its containers are built and run; absent where the engine is another. */
  readonly container?: ContainerSpec;
  /** What `health` is where it is not declared; in `path` stands `{APP_PATH}` for the app's path. */
  readonly health?: Partial<HealthPolicy>;
  /** What `idle` is where it is not declared. */
  readonly idle?: Exclude<IdlePolicy, null>;
  /** The files by which `auto` finds it; absent: it is only used by name. */
  readonly detect?: DetectRule;
}

/** What containers are made from. */
export type ContainerOrigin =
  /** The Containerfile of the source. */
  | { readonly kind: 'source' }
  /** An image of a registry. */
  | { readonly kind: 'image'; readonly image: string }
  /** The Containerfile of the spec. */
  | { readonly kind: 'containerfile'; readonly text: string };

/**
 * How containers of a spec are built and run. In texts stands `{name}` for an option of `app_config` by that name; `{PORT}` and its like are
 * left for the engine. What names an option that has no value is left out.
 */
export interface ContainerSpec {
  readonly origin: ContainerOrigin;
  /** Values of `ARG` lines. */
  readonly args: Readonly<Record<string, string>>;
  /** Empty: as the image says. An element that is nothing but the name of a list stands for all of its elements. */
  readonly command: readonly string[];
  readonly port: number | null;
  readonly variables: Readonly<Record<string, string>>;
  /** Options whose value is found in the source's files where the app gives none. */
  readonly fromFiles: Readonly<Record<string, FileOption>>;
  /** Of each list, one must be at the top of the source. A name that ends with a slash is a folder. */
  readonly needs: readonly (readonly string[])[];
}

/** An option that goes by the first of some files which is there. */
export interface FileOption {
  readonly files: readonly string[];
  /** The value: `{file}` is the name that was found, `{stem}` the same without its ending. */
  readonly as: string;
}

/** By what `auto` finds a spec: everything that is named must be there. */
export interface DetectRule {
  /** One of these at the top of the source. */
  readonly files?: readonly string[];
  /** One of these among the packages that the source names. */
  readonly dependencies?: readonly string[];
  /** This one among the scripts of `package.json`. */
  readonly script?: string;
  /** Specs of a lower number are tried first; of the same, by name. */
  readonly order: number;
}

/** Every spec that can be named, by name. `auto` is not in it. */
export type SpecBook = Readonly<Record<string, Spec>>;

/** The spec of that name; `auto` is none. */
export function specNamed(name: string, book: SpecBook): Spec | undefined {
  return Object.hasOwn(book, name) ? book[name] : undefined;
}
