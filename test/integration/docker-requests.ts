import assert from 'node:assert/strict';
import type { ContainerBuild, RunDescription } from '../../src/model/container.ts';
import { MainspringError } from '../../src/model/errors.ts';
import type { AppId, ArtifactKey, EnvName, InstanceId, RevisionHash, TreeId } from '../../src/model/ids.ts';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { type Artifact, type ArtifactInputs, artifactKey } from '../../src/model/revision.ts';
import type { BuildRequest, Engine, InstanceRequest } from '../../src/runtime/engine.ts';
import { exporting, reading } from '../contract/fixtures.ts';

/** How an engine gets at the source: where it lies, or as a copy in a folder. */
export type SourceWay = 'read' | 'exported';

/** A build of some files. */
export function buildOf(
  files: Readonly<Record<string, string>>,
  build: ContainerBuild = {},
  way: SourceWay = 'read',
): BuildRequest {
  const tree = Buffer.from(JSON.stringify(files)).toString('hex').slice(-40).padStart(40, '0') as TreeId;
  const inputs: ArtifactInputs = { engine: 'docker', spec: 'container', tree, build: build as Json as JsonObject };
  return {
    key: artifactKey(inputs),
    inputs,
    exportTree: exporting(files),
    readTree: way === 'read' ? reading(files) : null,
  };
}

/** What an instance may differ in. */
export interface InstanceEdit {
  readonly id?: string;
  readonly env?: string;
  readonly app?: string;
  readonly opts?: JsonObject;
  readonly vols?: readonly string[];
  readonly run?: RunDescription;
  readonly variables?: Readonly<Record<string, string>>;
}

/** An instance of an artifact. */
export function instanceOf(artifact: Artifact, edit: InstanceEdit = {}): InstanceRequest {
  const { id = 'i-1', env = 'prod', app = '/app', opts = {}, vols = [], run, variables = {} } = edit;
  const none = { params: {}, containerOpts: {} };
  return {
    ...{ id: id as InstanceId, env: env as EnvName, app: app as AppId, generation: 1, artifact, containerOpts: opts },
    revision: 'a'.repeat(64) as RevisionHash,
    spec: {
      ...{ artifact: artifact.key, engine: 'docker', spec: 'container', params: {}, containerOpts: opts },
      ...{ containerArgs: {}, containerVols: vols, appConfig: {}, overrides: { stage: none, previews: none } },
      ...(run === undefined ? {} : { run }),
    },
    variables: { APP_URL: `http://localhost:8080${app}`, APP_PATH: app, APP_ENV: env, ...variables },
    dataName: `${env}/${app.replaceAll('/', '')}-0123456789ab`,
  };
}

/** A signal that never aborts. */
export function never(): AbortSignal {
  return new AbortController().signal;
}

/** What a build printed, line by line. */
export async function logOf(engine: Engine, key: ArtifactKey): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of engine.logs({ of: { build: key }, tail: 1_000, follow: false }, never()))
    lines.push(line.text);
  return lines;
}

/** The error by which something fails that has to fail. */
export async function failureOf(work: Promise<unknown>): Promise<MainspringError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof MainspringError, String(error));
  return error;
}
