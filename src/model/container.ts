import type { JsonObject } from './json.ts';

/**
 * What a container is built from: `build` of `ArtifactInputs` where the engine is `docker`. It holds the text of a spec's Containerfile
 * itself, so that a new version of a spec is a new artifact and an old one can be built again without it.
 */
export type ContainerBuild =
  /** Nothing is built: an image of a registry, by the reference as declared. */
  | { readonly image: string; readonly refresh?: string; readonly files?: readonly string[] }
  | {
      /** The path of the Containerfile in the source; absent: `Containerfile`, else `Dockerfile`. */
      readonly file?: string;
      /** The text of the Containerfile, where a spec brings its own. It wins over `file`. */
      readonly containerfile?: string;
      /** Values of `ARG` lines. */
      readonly args?: Readonly<Record<string, string>>;
      /** The stage to build; absent: the last one. */
      readonly target?: string;
      /** False: no step of the build reaches a network. Absent: they do. */
      readonly network?: false;
      /** How long it may take, as a duration; absent: by the settings. */
      readonly timeout?: string;
      /** Names a period (`2026-W48`), so that each has an artifact of its own; absent: one artifact for ever. */
      readonly refresh?: string;
      /** Files and folders of the source that are mounted: kept beside the image. */
      readonly files?: readonly string[];
    };

/**
 * How a container of a spec is run; what is absent is as its image says. In `command` and in values of `variables` stand `{PORT}`,
 * `{APP_PATH}`, `{APP_URL}`, `{APP_ENV}` and `{APP_DATA}` for what the instance gets. The same in every environment: a part of the revision.
 */
export interface RunDescription {
  readonly command?: readonly string[];
  /** The port that the app listens on, where `container_opts` names none. */
  readonly port?: number;
  readonly variables?: Readonly<Record<string, string>>;
}

/** The paths of the source that these entries of `container_vols` mount (`./config/app.toml:/etc/app.toml`), each once, in order. */
export function mountedFiles(containerVols: readonly string[]): readonly string[] {
  const sources = containerVols.map((text) => text.split(':')[0] ?? '').filter((from) => from.startsWith('./'));
  return [...new Set(sources.map((from) => from.slice(2)))].sort();
}

/** The build description among an artifact's inputs. It was made by ourselves, so its shape is taken as given. */
export function containerBuild(build: JsonObject): ContainerBuild {
  return build as ContainerBuild;
}
