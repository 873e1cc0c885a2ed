import type { AppDeclaration } from '../model/app.ts';
import type { Desired, DesiredDeployment, DesiredEnvironment } from '../model/desired.ts';
import type { EnvIdentity } from '../model/environment.ts';
import { PROD, STAGE } from '../model/ids.ts';
import { type Snapshot, type SourceState, sourceKey, unpinned } from '../model/snapshot.ts';
import { DesireMemo } from './desire/memo.ts';
import { withLimits } from './desire/parking.ts';
import { type PreviewDeps, previewsOf } from './desire/previews.ts';
import type { Sliced } from './desire/sliced.ts';
import { deploymentAt, type Place } from './desire/target.ts';
import { Wishes } from './desire/wishes.ts';

const APPS_PER_SLICE = 250;

/**
 * What should be, from nothing but the snapshot. Null while no commit of the config repo was accepted: then nothing is wanted
 * and, above all, nothing is unwanted.
 */
export function* desire(snapshot: Snapshot, memo = new DesireMemo()): Sliced<Desired | null> {
  const { config } = snapshot;
  if (config === null) return null;
  const wishes = new Wishes(snapshot.facts);
  const from = { config, snapshot, memo };
  const prod = yield* followed({ env: PROD, kind: 'prod' }, config.declarations.apps, from);
  const staged = config.declarations.apps.filter(({ stage }) => stage !== false).map(unpinned);
  const stage = yield* followed({ env: STAGE, kind: 'stage' }, staged, from);
  const previews = yield* previewsOf({ config, snapshot, wishes, memo });
  const limited = withLimits(previews.environments, {
    policy: config.declarations.previews,
    at: snapshot.at,
    rows: previews.rows,
    recorded: snapshot.recorded.environments,
  });
  const hasStage = staged.length > 0 || snapshot.recorded.environments.has(STAGE);
  const environments = [...(hasStage ? [stage] : []), prod, ...limited];
  memo.keepOnly(new Set(environments.map(({ name }) => name)));
  const { release } = config.declarations;
  return {
    configCommit: config.commit,
    cause: config.cause,
    environments,
    ended: previews.ended,
    allowRemoval: release.allowRemoval,
    atomic: release.atomic,
    needs: wishes.needs(),
  };
}

/** An environment of what is on the followed branch. */
function* followed(
  place: Place,
  declared: readonly AppDeclaration[],
  { config, snapshot, memo }: Omit<PreviewDeps, 'wishes'>,
): Sliced<DesiredEnvironment> {
  const deployments: DesiredDeployment[] = [];
  const { specs } = config.declarations;
  const apps = declared.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  for (const [index, app] of apps.entries()) {
    if (index % APPS_PER_SLICE === APPS_PER_SLICE - 1) yield;
    const state = sourceOf(app, snapshot);
    deployments.push(deploymentAt({ app, config, specs, state, ref: null }, place, snapshot, memo.of(place.env)));
  }
  const { env: name, kind } = place;
  return { name, kind, identity: name as string as EnvIdentity, ...ALWAYS, deployments };
}

/** What is there for as long as main is: not derived from branches, and over no limit. */
const ALWAYS = { cause: null, heads: {}, goodConfig: null, errors: [], activeAt: 0, parked: null } as const;

function sourceOf(app: AppDeclaration, snapshot: Snapshot): SourceState | null {
  const key = sourceKey(app);
  return key === null ? null : (snapshot.sources.get(key) ?? unseen(key, snapshot));
}

/** A source that was never read: because its repo can't be listed, or because nobody looked yet. */
function unseen(key: string, snapshot: Snapshot): SourceState {
  const [url] = key.split('\n');
  const error = snapshot.repos.find(({ repo }) => repo === url)?.error;
  if (error != null) return { problem: error };
  const message = `source "${url}": not looked at yet`;
  return { problem: { code: 'git-list-failed', message, hint: null, retry: 'after-interval' } };
}
