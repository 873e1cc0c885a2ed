import type { ContainerOrigin, Spec, SpecBook } from '../model/spec.ts';
import { specNamed } from '../model/spec.ts';
import { parseManifest, type SpecFault } from './parse-manifest.ts';
import { manifestFaults, specOfManifest } from './spec-of-manifest.ts';

/** The files of one spec folder that matter. */
export interface SpecFiles {
  readonly name: string;
  /** The text of `spec.toml`. */
  readonly manifest: string;
  /** The text of `Containerfile`; null: there is none. */
  readonly containerfile: string | null;
}

/** A spec, or what is wrong with its `spec.toml`. */
export type ReadSpec =
  | { readonly ok: true; readonly spec: Spec }
  | { readonly ok: false; readonly faults: readonly SpecFault[] };

/** Names of spec folders. `auto` and what runs no containers have none. */
export function isSpecName(name: string): boolean {
  return /^[a-z0-9](?:[a-z0-9_-]{0,38}[a-z0-9])?$/.test(name) && name !== 'auto';
}

/** Reads a spec. `others` are the ones whose Containerfile it may take for its own. */
export function readSpec(files: SpecFiles, others: SpecBook): ReadSpec {
  const parsed = parseManifest(files.manifest);
  if (!parsed.ok) return parsed;
  const { manifest, lineOf } = parsed;
  const faults = manifestFaults(manifest, lineOf);
  const origin = originOf(files, manifest, others);
  if (typeof origin === 'string') faults.push({ line: lineOf(['containerfile_of']) ?? null, message: origin });
  if (faults.length > 0 || typeof origin === 'string') return { ok: false, faults };
  return { ok: true, spec: specOfManifest({ name: files.name, manifest, origin }) };
}

type Origins = Readonly<Record<'build' | 'image' | 'containerfile_of', string | undefined>>;

/** Where the containers come from; a text where that can't be said. */
function originOf(
  { containerfile }: SpecFiles,
  manifest: { readonly [K in keyof Origins]?: Origins[K] },
  others: SpecBook,
): ContainerOrigin | string {
  const { build, image, containerfile_of: of } = manifest;
  const given = [build, image, of, containerfile].filter((one) => one !== undefined && one !== null);
  if (given.length === 0)
    return 'expected a file Containerfile beside spec.toml, or one of the keys image, containerfile_of and build = "source"';
  if (given.length > 1)
    return 'expected only one of a file Containerfile and the keys image, containerfile_of and build';
  if (build !== undefined) return { kind: 'source' };
  if (image !== undefined) return { kind: 'image', image };
  if (of === undefined) return { kind: 'containerfile', text: containerfile ?? '' };
  const other = specNamed(of, others)?.container?.origin;
  return other?.kind === 'containerfile'
    ? other
    : `containerfile_of: there is no spec "${of}" with a Containerfile of its own`;
}
