import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verifyAudit } from '../audit/log.ts';
import type { AuditVerdict, PlanOptions, Reader } from '../cli/reader.ts';
import { httpReader } from '../cli/reader-http.ts';
import { findSocket } from '../gateway/control/socket-path.ts';
import { MainspringError } from '../model/errors.ts';
import type { Settings } from '../model/settings.ts';
import type { RepoUrl } from '../model/source.ts';
import type { AuditLine, PlanDocument } from '../model/surface.ts';
import type { Proposal } from '../reconcile/plan-for.ts';
import { type Connection, openDatabaseToRead } from '../store/database.ts';
import { installationId, loadRecorded, readHead, readMeta } from '../store/store.ts';
import { enginesFor, evaluatorFor, gitFor, limitsHere } from './controller-parts.ts';
import type { Environment } from './environment.ts';
import { folderSnapshot } from './folder-snapshot.ts';
import { placesIn } from './places.ts';
import { proposeFolder } from './propose-folder.ts';
import {
  type Answering,
  answerAudit,
  answerExplain,
  answerLogs,
  answerPlan,
  answerProposal,
  answerStatus,
  answerTipOf,
} from './status-ports.ts';
import { systemClock } from './system-clock.ts';

/** Reads from a data folder of this machine: through the daemon's own socket where it runs, else from the store as it was left. */
export async function openLocalReader(settings: Settings, version: string, env: Environment): Promise<Reader> {
  const places = placesIn(settings.dataDir);
  if (!existsSync(places.database)) {
    throw new MainspringError('not-initialised', `data folder "${settings.dataDir}": there is no Mainspring in it`, {
      hint: 'Run "mainspring init REPO" first, or name other settings with --config.',
    });
  }
  const folder = new FolderReader(settings, version, env);
  const socket = findSocket(places.statusSocket);
  return new LocalReader(folder, daemonReader(settings, socket), () => isListening(socket));
}

/**
 * Answers about what runs come from the daemon for as long as it is there, which may change while somebody waits; what needs
 * files of this machine, or the log itself, comes from the folder.
 */
class LocalReader implements Reader {
  readonly #folder: Reader;
  readonly #daemon: Reader;
  readonly #hasDaemon: () => Promise<boolean>;

  constructor(folder: Reader, daemon: Reader, hasDaemon: () => Promise<boolean>) {
    this.#folder = folder;
    this.#daemon = daemon;
    this.#hasDaemon = hasDaemon;
  }

  async #best(): Promise<Reader> {
    return (await this.#hasDaemon()) ? this.#daemon : this.#folder;
  }

  async status(options?: Parameters<Reader['status']>[0]) {
    return (await this.#best()).status(options);
  }

  async plan(options: PlanOptions) {
    return (options.dir === null ? await this.#best() : this.#folder).plan(options);
  }

  audit(filter: Parameters<Reader['audit']>[0]) {
    return this.#folder.audit(filter);
  }

  verifyAudit(head: string | null) {
    return this.#folder.verifyAudit(head);
  }

  async *logs(query: Parameters<Reader['logs']>[0], signal: AbortSignal) {
    yield* (await this.#best()).logs(query, signal);
  }

  async tip(options?: Parameters<Reader['tip']>[0]) {
    return (await this.#best()).tip(options);
  }

  async explain(query: Parameters<Reader['explain']>[0]) {
    return (await this.#best()).explain(query);
  }

  async close(): Promise<void> {
    await this.#daemon.close();
    await this.#folder.close();
  }
}

function daemonReader(settings: Settings, socketPath: string): Reader {
  return httpReader({
    url: `http://${settings.status.host}`,
    token: null,
    socketPath,
    verify: () => Promise.reject(new MainspringError('unexpected', 'the log is verified in the folder')),
  });
}

function isListening(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(socketPath);
    socket.on('error', () => resolve(false));
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

/** Reads the store and, where a plan needs them, the repos, by mirrors of its own that end with it. */
class FolderReader implements Reader {
  readonly #settings: Settings;
  readonly #version: string;
  readonly #env: Environment;
  readonly #connection: Connection;
  #answering: Promise<Answering> | null = null;
  #closers: (() => Promise<void> | void)[] = [];

  constructor(settings: Settings, version: string, env: Environment) {
    this.#settings = settings;
    this.#version = version;
    this.#env = env;
    this.#connection = openDatabaseToRead(placesIn(settings.dataDir).database);
  }

  async status(options?: { readonly commit: string | null }) {
    return answerStatus(await this.#parts(), options?.commit ?? null);
  }

  async plan({ ref, dir }: PlanOptions): Promise<PlanDocument> {
    const parts = await this.#parts();
    const { signal } = new AbortController();
    if (dir === null) return answerPlan(parts, ref, signal);
    return answerProposal(parts, await this.#proposal(dir), signal);
  }

  #proposal(dir: string): Promise<Proposal> {
    return proposeFolder(dir);
  }

  audit(filter: Parameters<Reader['audit']>[0]): AsyncIterable<AuditLine> {
    return answerAudit({ connection: this.#connection }, filter);
  }

  async verifyAudit(head: string | null): Promise<AuditVerdict> {
    return verifyAudit(this.#connection, head);
  }

  async *logs(query: Parameters<Reader['logs']>[0], signal: AbortSignal) {
    yield* await answerLogs(await this.#parts(), query, signal);
  }

  async tip(options?: Parameters<Reader['tip']>[0]): Promise<string> {
    return answerTipOf(await this.#parts(), options?.env ?? null, new AbortController().signal);
  }

  async explain(query: Parameters<Reader['explain']>[0]) {
    return answerExplain(await this.#parts(), query);
  }

  async close(): Promise<void> {
    for (const close of this.#closers) await close();
    this.#connection.close();
  }

  #parts(): Promise<Answering> {
    this.#answering ??= this.#assemble();
    return this.#answering;
  }

  async #assemble(): Promise<Answering> {
    const settings = this.#settings;
    const work = mkdtempSync(join(tmpdir(), 'mainspring-read-'));
    const git = gitFor(settings, work, this.#env);
    const evaluator = evaluatorFor(settings);
    const engines = enginesFor(settings, installationId(this.#connection), systemClock, this.#env);
    this.#closers = [
      () => evaluator.close(),
      () => git.close(),
      ...[...engines.values()].map((engine) => () => engine.close()),
      () => rmSync(work, { recursive: true, force: true }),
    ];
    // Read anew each time: a daemon may have come and gone meanwhile.
    const recorded = () => loadRecorded(this.#connection);
    const lookedAt = () => Number(readMeta(this.#connection, 'looked_at') ?? 0);
    return {
      version: this.#version,
      settings,
      connection: this.#connection,
      recorded,
      head: () => readHead(this.#connection),
      asOf: (repo) => (recorded().repos.get(repo)?.error === null && lookedAt() > 0 ? lookedAt() : null),
      passing: () => false,
      snapshot: () => folderSnapshot(settings, recorded(), systemClock.now(), this.#env),
      planning: { git, evaluator, limits: limitsHere(settings), repo: settings.configRepo as RepoUrl },
      git,
      engines,
    };
  }
}
