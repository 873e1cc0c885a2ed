import { createHash } from 'node:crypto';
import type { AppId, ArtifactKey, EnvName, InstanceId, RevisionHash, TreeId } from '../../src/model/ids.ts';
import type { JsonObject } from '../../src/model/json.ts';
import { type Artifact, type ArtifactInputs, artifactKey } from '../../src/model/revision.ts';
import type { BuildRequest, InstanceRequest } from '../../src/runtime/engine.ts';
import type { ProcessEngine } from '../../src/runtime/process/process-engine.ts';
import { exporting } from './fixtures.ts';

/** A signal that never aborts. */
export function never(): AbortSignal {
  return new AbortController().signal;
}

/** A build of these files. */
export function buildOf(files: Readonly<Record<string, string>>, build: JsonObject = {}): BuildRequest {
  const tree = createHash('sha1').update(JSON.stringify(files)).digest('hex') as TreeId;
  const inputs: ArtifactInputs = { engine: 'process', spec: 'procfile', tree, build };
  return { key: artifactKey(inputs), inputs, exportTree: exporting(files) };
}

/** An instance of an artifact. */
export function instanceOf(artifact: Artifact | ArtifactKey, changes: Partial<InstanceRequest> = {}): InstanceRequest {
  const made: Artifact = typeof artifact === 'string' ? { key: artifact, digest: null } : artifact;
  const none = { params: {}, containerOpts: {} };
  return {
    id: 'i-1' as InstanceId,
    env: 'prod' as EnvName,
    app: '/app' as AppId,
    generation: 7,
    revision: 'a'.repeat(64) as RevisionHash,
    spec: {
      artifact: made.key,
      engine: 'process',
      spec: 'procfile',
      params: {},
      containerOpts: {},
      containerArgs: {},
      containerVols: [],
      appConfig: {},
      overrides: { stage: none, previews: none },
    },
    artifact: made,
    variables: { APP_URL: 'http://localhost:8080/app', APP_PATH: '/app', APP_ENV: 'prod' },
    containerOpts: {},
    dataName: 'prod/app-0123456789ab',
    ...changes,
  };
}

/** Builds and starts an app of these files. */
export async function run(
  engine: ProcessEngine,
  files: Readonly<Record<string, string>>,
  changes: Partial<InstanceRequest> = {},
): Promise<{ readonly request: InstanceRequest; readonly url: string }> {
  const request = instanceOf(await engine.build(buildOf(files), never()), changes);
  const target = await engine.start(request, never());
  return { request, url: target.kind === 'http' ? target.url : '' };
}
