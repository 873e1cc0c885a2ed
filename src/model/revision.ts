import { hashOf } from './canonical.ts';
import type { RunDescription } from './container.ts';
import type { ArtifactKey, RevisionHash, TreeId } from './ids.ts';
import type { JsonObject } from './json.ts';

/** The engines there are. A spec belongs to one. */
export type EngineName = 'static' | 'process' | 'proxy' | 'docker';

/** Everything that decides what a build yields. Its hash is the artifact's key. */
export interface ArtifactInputs {
  readonly engine: EngineName;
  /** The spec that was used (never `auto`). */
  readonly spec: string;
  /** The tree of the source folder; null where the spec needs no source. */
  readonly tree: TreeId | null;
  /** Build arguments: what of `app_config`, `container_args` and the spec goes into the build. For containers: a `ContainerBuild`. */
  readonly build: JsonObject;
}

/** What a build yields. */
export interface Artifact {
  readonly key: ArtifactKey;
  /** The engine's own content address of what was built, where it has one. */
  readonly digest: string | null;
  /** What it was made from that its inputs name by a name that moves, where the engine resolves such names. Told when it is built. */
  readonly bases?: readonly ArtifactBase[];
}

/** What a name meant when an artifact was built. */
export interface ArtifactBase {
  /** As it is written. */
  readonly ref: string;
  /** The engine's own content address. */
  readonly id: string;
  /** That of where it came from; null where it is from nowhere else. */
  readonly digest: string | null;
}

/** What to run, the same in every environment. Its hash is the revision. */
export interface RevisionSpec {
  readonly artifact: ArtifactKey;
  readonly engine: EngineName;
  readonly spec: string;
  readonly params: JsonObject;
  readonly containerOpts: JsonObject;
  readonly containerArgs: JsonObject;
  readonly containerVols: readonly string[];
  readonly appConfig: JsonObject;
  /** Absent where the engine runs no containers, or the image says it all. */
  readonly run?: RunDescription;
  readonly overrides: {
    readonly stage: { readonly params: JsonObject; readonly containerOpts: JsonObject };
    readonly previews: { readonly params: JsonObject; readonly containerOpts: JsonObject };
  };
}

/** The values of one environment that an instance gets besides its revision. */
export interface InstanceValues {
  readonly url: string;
  readonly path: string;
  readonly params: JsonObject;
  readonly containerOpts: JsonObject;
}

/** The key of the artifact that these inputs yield. */
export function artifactKey(inputs: ArtifactInputs): ArtifactKey {
  return hashOf(inputs) as ArtifactKey;
}

/** The content address of a revision. */
export function revisionHash(spec: RevisionSpec): RevisionHash {
  return hashOf(spec) as RevisionHash;
}

/** The content address of an instance description: two equal ones would run the very same thing. Quarantine is kept by it. */
export function instanceHash(revision: RevisionHash, values: InstanceValues): string {
  return hashOf({ revision, values });
}
