import type { Cause } from '../../model/cause.ts';
import { type ConfigError, type Declarations, type Evaluation, rejection } from '../../model/config.ts';
import { MainspringError, problemOf } from '../../model/errors.ts';
import type { CommitId } from '../../model/ids.ts';
import type { RecordedSource } from '../../model/recorded.ts';
import { type RefListing, type RepoUrl, tipOf } from '../../model/source.ts';
import { audit, type Change, drop, put } from '../../store/changes.ts';
import type { RecordedView } from '../../store/recorded.ts';
import type { Ports } from '../ports.ts';
import { evaluateCommit } from './evaluate-commit.ts';
import { configFolders } from './queries.ts';
import type { SourceReader } from './read-source.ts';

/** What the newest accepted commit of the config repo declares. */
export interface Accepted {
  readonly commit: CommitId;
  readonly cause: Cause;
  readonly declarations: Declarations;
}

/** How many folders are looked at before others have their turn. */
const FOLDERS_PER_SLICE = 250;

/** Follows a branch of the config repo: evaluates its newest commit, and accepts it whole or rejects it whole. */
export class ConfigFollower {
  readonly repo: RepoUrl;
  readonly #ports: Ports;
  readonly #reader: SourceReader;
  readonly #onAccepted: () => void;
  #accepted: Accepted | null = null;
  /** What was accepted before is evaluated once, however many ask for it. */
  #restoring: Promise<void> | null = null;

  constructor(repo: RepoUrl, ports: Ports, reader: SourceReader, onAccepted: () => void) {
    this.repo = repo;
    this.#ports = ports;
    this.#reader = reader;
    this.#onAccepted = onAccepted;
  }

  /** What is followed; null until a commit was accepted, or evaluated again after a start. */
  get accepted(): Accepted | null {
    return this.#accepted;
  }

  /** Brings what is followed in line with a listing. A listing without the branch is an error, and changes nothing. */
  async follow(listing: RefListing, signal: AbortSignal): Promise<void> {
    const { branch } = this.#ports.settings;
    const tip = tipOf(listing, branch);
    if (tip === undefined) {
      await this.restore(signal);
      throw missingBranch(this.repo, branch, Object.keys(listing.branches).length === 0);
    }
    const { config } = this.#ports.store.recorded;
    if (config.seen === tip && (this.#accepted?.commit === config.accepted || config.accepted === null)) return;
    if (config.seen !== tip) await this.#evaluate(tip, signal);
    await this.restore(signal);
  }

  /** After a start: evaluates again what was accepted before, so that it holds although the newest commit may be bad or out of reach. */
  async restore(signal: AbortSignal): Promise<void> {
    const { accepted, acceptedCause } = this.#ports.store.recorded.config;
    if (accepted === null || acceptedCause === null || this.#accepted?.commit === accepted) return;
    this.#restoring ??= this.#restore(accepted, acceptedCause, signal).finally(() => {
      this.#restoring = null;
    });
    await this.#restoring;
  }

  async #restore(accepted: CommitId, acceptedCause: Cause, signal: AbortSignal): Promise<void> {
    await this.#ports.git.fetch(this.#access(), accepted, signal);
    const evaluation = await this.#evaluation(accepted, signal);
    if (!evaluation.ok) {
      // The same files were fine before: this version of Mainspring is stricter. Nothing changes until the config does.
      throw new MainspringError(
        'config-invalid',
        `config ${accepted.slice(0, 12)}: accepted before, but not by this version: ${evaluation.errors[0]?.message}`,
        {
          retry: 'after-interval',
          hint: 'Mend the config; what is live goes on as it is.',
        },
      );
    }
    // A look may have accepted a newer commit meanwhile: the older one must not take its place.
    if (this.#ports.store.recorded.config.accepted !== accepted) return;
    this.#take({ commit: accepted, cause: acceptedCause, declarations: evaluation.declarations });
  }

  async #evaluate(commit: CommitId, signal: AbortSignal): Promise<void> {
    const { git, store, clock, settings } = this.#ports;
    const seenAt = clock.now();
    await git.fetch(this.#access(), commit, signal);
    const { author } = await git.commitFacts(this.repo, commit);
    const cause: Cause = { kind: 'commit', repo: this.repo, ref: settings.branch, commit, author, pull: null };
    const evaluation = await this.#evaluation(commit, signal);
    await this.#ports.reach('evaluated');
    const sources = evaluation.ok ? await this.#configSources(commit, evaluation.declarations, signal) : [];
    store.transact((recorded) => [
      put('config', configRow(recorded, { commit, cause, seenAt, evaluation })),
      ...(evaluation.ok ? sourceChanges(sources, recorded) : []),
      this.#event(cause, evaluation),
    ]);
    if (evaluation.ok) this.#take({ commit, cause, declarations: evaluation.declarations });
  }

  #take(accepted: Accepted): void {
    this.#accepted = accepted;
    this.#onAccepted();
  }

  #evaluation(commit: CommitId, signal: AbortSignal): Promise<Evaluation> {
    return evaluateCommit(this.repo, commit, this.#ports, signal);
  }

  async #configSources(commit: CommitId, declarations: Declarations, signal: AbortSignal): Promise<RecordedSource[]> {
    const rows: RecordedSource[] = [];
    const folders = configFolders(declarations);
    if (folders.size === 0) return rows;
    const opened = await this.#reader.open(this.#access(), commit, signal);
    for (const [key, folder] of folders) {
      if (rows.length % FOLDERS_PER_SLICE === FOLDERS_PER_SLICE - 1) await this.#ports.yieldTurn();
      const known = this.#ports.store.recorded.sources.get(key)?.resolved ?? null;
      try {
        rows.push({ key, repo: this.repo, resolved: await opened.read(folder), problem: null });
      } catch (error) {
        signal.throwIfAborted();
        rows.push({ key, repo: this.repo, resolved: known, problem: problemOf(error) });
      }
    }
    return rows;
  }

  #access() {
    return { repo: this.repo, auth: null };
  }

  #event(cause: Cause, evaluation: Evaluation): Change {
    const of = { env: null, app: null, cause };
    if (evaluation.ok)
      return audit({ kind: 'config.accepted', ...of, detail: { apps: evaluation.declarations.apps.length } });
    return audit({ kind: 'config.rejected', ...of, detail: rejection(evaluation.errors) });
  }
}

function configRow(
  recorded: RecordedView,
  seen: { commit: CommitId; cause: Cause; seenAt: number; evaluation: Evaluation },
) {
  const { commit, cause, seenAt, evaluation } = seen;
  const { accepted, acceptedCause, planned } = recorded.config;
  const looked = { seen: commit, seenAt, seenCause: cause, planned };
  const errors: readonly ConfigError[] = evaluation.ok ? [] : evaluation.errors;
  return evaluation.ok
    ? { ...looked, accepted: commit, acceptedCause: cause, errors }
    : { ...looked, accepted, acceptedCause, errors };
}

/** Rows of sources in the config repo: new ones, changed ones, and those that are not wanted any more. */
function sourceChanges(rows: readonly RecordedSource[], recorded: RecordedView): Change[] {
  const keys = new Set(rows.map((row) => row.key));
  const gone = [...recorded.sources.values()].filter((row) => row.key.startsWith('config\n') && !keys.has(row.key));
  const changed = rows.filter((row) => {
    const known = recorded.sources.get(row.key);
    return (
      known === undefined ||
      known.resolved?.tree !== row.resolved?.tree ||
      (known.resolved?.survey === undefined) !== (row.resolved?.survey === undefined) ||
      known.problem?.code !== row.problem?.code ||
      known.problem?.message !== row.problem?.message
    );
  });
  return [...gone.map((row) => drop('source', row)), ...changed.map((row) => put('source', row))];
}

function missingBranch(repo: RepoUrl, branch: string, empty: boolean): MainspringError {
  return empty
    ? new MainspringError('git-repo-empty', `config repo "${repo}": has no branches`, {
        retry: 'after-interval',
        hint: `Push a commit to "${branch}". What is live goes on until then.`,
      })
    : new MainspringError('git-ref-missing', `config repo "${repo}": branch "${branch}" is missing`, {
        retry: 'after-interval',
        hint: `Push "${branch}" again, or name another branch in mainspring.toml. What is live goes on until then.`,
      });
}
