import type { AppDeclaration } from '../model/app.ts';
import type { RunDescription } from '../model/container.ts';
import type { Problem } from '../model/errors.ts';
import type { TreeId } from '../model/ids.ts';
import type { Json, JsonObject } from '../model/json.ts';
import type { ArtifactInputs } from '../model/revision.ts';
import type { Spec } from '../model/spec.ts';
import type { SourceFiles } from './choose-spec.ts';
import { containerBuildOf, runDescriptionOf } from './describe-container.ts';
import { optionValues } from './option-values.ts';

/** What an app's spec makes of it. */
export interface AppDescription {
  /** Everything that decides what a build yields. Params, limits and all that an environment may override are not in it. */
  readonly inputs: ArtifactInputs;
  /** How a container of it is run; absent: none is, or as its image says. */
  readonly run?: RunDescription;
}

/** What of an app and its files a spec looks at. */
export interface Described {
  readonly app: Pick<AppDeclaration, 'appConfig' | 'containerOpts' | 'containerArgs' | 'containerVols'>;
  /** Null: it needs no source. */
  readonly source: (SourceFiles & { readonly tree: TreeId }) | null;
  /** The period that its artifact is made for; null: for ever. */
  readonly refresh: string | null;
}

/** What is built of an app and how it is run, by its spec; a problem where an option has no value. */
export function describeApp(spec: Spec, { app, source, refresh }: Described): AppDescription | Problem {
  const { container, rules } = spec;
  const inputsOf = (build: JsonObject, usesSource: boolean): ArtifactInputs => {
    const tree = usesSource ? (source?.tree ?? null) : null;
    return { engine: spec.engine, spec: spec.name, tree, build };
  };
  if (container === undefined) return { inputs: inputsOf(buildInputs(spec, app.appConfig), rules.needsSource) };
  const found = optionValues(spec, app.appConfig, source);
  if (!('values' in found)) return found;
  const build = containerBuildOf(container, found.values, app, refresh);
  const run = runDescriptionOf(container, found.values);
  const inputs = inputsOf(build as JsonObject, rules.needsSource || build.files !== undefined);
  return { inputs, ...(run === undefined ? {} : { run }) };
}

/** What of `app_config` decides what a build yields: a part of the artifact's key. */
function buildInputs(spec: Spec, appConfig: JsonObject): JsonObject {
  const used = spec.buildOptions.flatMap((name): [string, Json][] => {
    const value = appConfig[name];
    return value === undefined || value === null ? [] : [[name, value]];
  });
  return Object.fromEntries(used);
}

/** The file that is served for a folder of a static app. */
export function indexFile(appConfig: JsonObject): string {
  return typeof appConfig.index === 'string' ? appConfig.index : 'index.html';
}
