import { formatDuration, parseDurationMs } from '../../model/duration.ts';
import { isAbort, isStoreError, MainspringError, type Problem, problemOf } from '../../model/errors.ts';
import { type ArtifactKey, PROD, STAGE } from '../../model/ids.ts';
import type { RecordedArtifact } from '../../model/recorded.ts';
import type { Artifact } from '../../model/revision.ts';
import type { BuildRequest, Engine } from '../../runtime/engine.ts';
import { audit, type Change, drop, put } from '../../store/changes.ts';
import type { RecordedView } from '../../store/recorded.ts';
import { performEffect } from '../boundaries.ts';
import { type BuildClaim, BuildTurns } from '../build-turns.ts';
import type { Ports } from '../ports.ts';
import { type ArtifactAction, type ArtifactStep, nextOfArtifact } from '../progress.ts';
import { backoffMs } from '../transitions.ts';
import { withDeadline } from './deadline.ts';
import type { SlotKind } from './slots.ts';

/** How much longer than a build is given an engine may take to say so. */
const SPARE_MS = 60_000;

/** The slot of an artifact: built once however many want it, kept while it is referred to and a while after, then collected. */
export class ArtifactSlots implements SlotKind<ArtifactAction> {
  readonly name = 'artifact';
  readonly #ports: Ports;
  readonly #turns: BuildTurns;

  constructor(ports: Ports) {
    this.#ports = ports;
    const { store, clock, limits } = ports;
    this.#turns = new BuildTurns({ width: limits.builds, clock, claimOf: (key) => claimOf(key, store.recorded) });
  }

  /** Something that refers to the artifact changed, or does so no longer. */
  changed(key: ArtifactKey): void {
    this.#turns.changed(key);
  }

  next(key: string): ArtifactStep {
    const { store, clock, settings } = this.#ports;
    const row = store.recorded.artifacts.get(key);
    return row === undefined
      ? { do: 'wait', until: null }
      : nextOfArtifact(row, store.recorded, clock.now(), settings.retainMs);
  }

  async perform(key: string, step: ArtifactAction, signal: AbortSignal): Promise<void> {
    const row = this.#ports.store.recorded.artifacts.get(key);
    if (row === undefined) return;
    switch (step.do) {
      case 'build':
        return this.#build(row, signal);
      case 'abandon':
        this.#change(row, 'abandon', (now) => [put('artifact', { ...now, state: 'removing' })]);
        return;
      case 'collect':
        return this.#collect(row, signal);
    }
  }

  async #build(row: RecordedArtifact, signal: AbortSignal): Promise<void> {
    const { reach, clock, limits } = this.#ports;
    const ms = buildLimitMs(row, limits.buildMs);
    const message = `build: no answer from engine "${row.inputs.engine}" within ${formatDuration(ms)}`;
    const late = { code: 'engine-failed', message } as const;
    try {
      await performEffect(reach, 'build', {
        intent: () => this.next(row.key).do === 'build',
        effect: () =>
          this.#turns.take(row.key, signal, () =>
            withDeadline({ clock, ms, signal, late }, (limited) =>
              this.#engine(row).build(this.#request(row), limited),
            ),
          ),
        commit: (artifact) =>
          this.#change(row, 'build', (now, recorded) => built({ ...now, usedAt: clock.now() }, artifact, recorded)),
      });
    } catch (error) {
      if ((isAbort(error) && signal.aborted) || isStoreError(error)) throw error;
      this.#change(row, 'build', (now, recorded) => this.#failed(now, problemOf(error), recorded));
    }
  }

  #request(row: RecordedArtifact): BuildRequest {
    return { key: row.key, inputs: row.inputs, ...this.#sourceOf(row) };
  }

  #sourceOf(row: RecordedArtifact): Pick<BuildRequest, 'exportTree' | 'readTree'> {
    const { git } = this.#ports;
    const { source } = row;
    const { tree } = row.inputs;
    if (source === null || tree === null) return { exportTree: null, readTree: null };
    const fetched = async <T>(signal: AbortSignal, use: () => Promise<T>): Promise<T> => {
      const moved = await git.fetch(source, source.commit, signal).catch(moveOf);
      // The same files may be there by another commit: one that was pushed over this one, say.
      return use().catch((error: unknown) => {
        throw moved ?? error;
      });
    };
    return {
      exportTree: (into, signal) => fetched(signal, () => git.exportTree(source.repo, tree, into, signal)),
      readTree: (signal) => fetched(signal, () => git.readTree(source.repo, tree, signal)),
    };
  }

  #failed(row: RecordedArtifact, problem: Problem, recorded: RecordedView): Change[] {
    const attempts = row.attempts + 1;
    // What is live was built before: it is brought back for as long as it is wanted.
    const isLive = recorded.deploymentsWith(row.key).some(({ live }) => live?.target.artifact === row.key);
    if (problem.retry === 'needs-human' && !isLive) {
      return [
        put('artifact', { ...row, state: 'failed', problem, attempts, retryAt: null }),
        failedEvent(row, problem, recorded),
      ];
    }
    const first = row.problem?.code !== problem.code || row.problem.message !== problem.message;
    const retryAt = this.#ports.clock.now() + backoffMs(attempts);
    return [
      put('artifact', { ...row, problem, attempts, retryAt }),
      ...(first ? [failedEvent(row, problem, recorded)] : []),
    ];
  }

  async #collect(row: RecordedArtifact, signal: AbortSignal): Promise<void> {
    const { reach, clock, limits } = this.#ports;
    const late = { code: 'engine-failed', message: 'removal of an artifact: no answer' } as const;
    await performEffect(reach, 'collect', {
      intent: () => this.next(row.key).do === 'collect',
      effect: () =>
        withDeadline({ clock, ms: limits.startMs, signal, late }, () => this.#engine(row).removeArtifact(row.key)),
      commit: () => this.#change(row, 'collect', (now) => [drop('artifact', now), removedEvent(now)]),
    });
  }

  #engine(row: RecordedArtifact): Engine {
    const engine = this.#ports.engines.get(row.inputs.engine);
    if (engine === undefined)
      throw new MainspringError('engine-off', `engine "${row.inputs.engine}" is not there`, {
        retry: 'after-interval',
      });
    return engine;
  }

  #change(
    of: RecordedArtifact,
    due: ArtifactAction['do'],
    decide: (row: RecordedArtifact, recorded: RecordedView) => Change[],
  ): void {
    this.#ports.store.transact((recorded) => {
      const row = recorded.artifacts.get(of.key);
      return row === undefined || this.next(of.key).do !== due ? [] : decide(row, recorded);
    });
  }
}

function claimOf(key: ArtifactKey, recorded: RecordedView): BuildClaim {
  const users = recorded.deploymentsWith(key);
  return { isUrgent: users.some(({ env }) => env === PROD || env === STAGE), apps: users.map(({ app }) => app) };
}

/** The error that says that the repo does not give the commit out any more; throws any other. */
function moveOf(error: unknown): unknown {
  if (error instanceof MainspringError && error.code === 'git-ref-moved') return error;
  throw error;
}

/** An engine keeps to the time that a build is given. This is for engines that do not answer at all. */
function buildLimitMs(row: RecordedArtifact, leastMs: number): number {
  const { build_timeout: ofProcess, timeout: ofContainer } = row.inputs.build;
  const declared = ofProcess ?? ofContainer;
  return Math.max(leastMs, (parseDurationMs(typeof declared === 'string' ? declared : '') ?? 0) + SPARE_MS);
}

function built(row: RecordedArtifact, artifact: Artifact, recorded: RecordedView): Change[] {
  const [user] = recorded.deploymentsWith(row.key);
  return [
    put('artifact', { ...row, state: 'built', digest: artifact.digest, problem: null, attempts: 0, retryAt: null }),
    audit({
      kind: 'artifact.built',
      env: user?.env ?? PROD,
      app: user?.app ?? null,
      cause: user?.next?.cause ?? { kind: 'observation', what: 'an artifact was missing' },
      detail: {
        artifact: row.key,
        digest: artifact.digest,
        spec: row.inputs.spec,
        ...(artifact.bases === undefined ? {} : { bases: artifact.bases.map((base) => ({ ...base })) }),
      },
    }),
  ];
}

function failedEvent(row: RecordedArtifact, problem: Problem, recorded: RecordedView): Change {
  const [user] = recorded.deploymentsWith(row.key);
  return audit({
    kind: 'artifact.failed',
    env: user?.env ?? PROD,
    app: user?.app ?? null,
    cause: user?.next?.cause ?? { kind: 'observation', what: 'an artifact was missing' },
    detail: { artifact: row.key, code: problem.code, message: problem.message },
  });
}

function removedEvent(row: RecordedArtifact): Change {
  const cause = { kind: 'observation', what: 'nothing refers to it any more' } as const;
  return audit({ kind: 'artifact.removed', env: null, app: null, cause, detail: { artifact: row.key } });
}
