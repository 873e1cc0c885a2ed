import { constants } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDurationMs } from '../../model/duration.ts';
import { MainspringError } from '../../model/errors.ts';
import type { ArtifactKey } from '../../model/ids.ts';
import type { Artifact } from '../../model/revision.ts';
import { formatProcfileFault, webCommand } from '../../specs/procfile.ts';
import type { BuildRequest } from '../engine.ts';
import { exportSource } from '../export-source.ts';
import { isMissing, removeFolder } from '../folders.ts';
import { type LogBounds, LogFiles } from '../log-files.ts';
import type { TreeStore } from '../tree-store.ts';
import { surveyTree } from '../tree-survey.ts';
import { type AppUser, checkReachable, giveFolder } from './app-user.ts';
import { type BuildTools, buildFamily, runBuild } from './build-command.ts';
import { type BaseEnvironment, buildEnvironment } from './environment.ts';
import { sealTree } from './seal-tree.ts';

/** What the builder of process apps works with. */
export interface BuilderOptions extends BuildTools {
  readonly trees: TreeStore;
  /** Where build logs are kept, by key. */
  readonly logDir: string;
  /** Where builds have their home and temp folders while they run. */
  readonly workDir: string;
  readonly bounds: LogBounds;
  readonly base: BaseEnvironment;
  readonly userOf: (name: string) => AppUser | null;
}

interface Run {
  readonly request: BuildRequest;
  readonly command: string;
  readonly tree: string;
  readonly user: AppUser | null;
}

const DEFAULT_TIMEOUT_MS = 10 * 60_000;

/** Builds process apps: exports the source, runs the build command if there is one, and keeps the outcome by its key. */
export class ProcessBuilder {
  readonly #options: BuilderOptions;
  readonly #running = new Set<ArtifactKey>();

  constructor(options: BuilderOptions) {
    this.#options = options;
  }

  /** The artifact of the key, built unless it is there. Not for two at a time with one key. */
  async build(request: BuildRequest, signal: AbortSignal): Promise<Artifact> {
    const { trees } = this.#options;
    const there = await trees.find(request.key);
    if (there !== undefined) return { key: request.key, digest: there.digest };
    this.#running.add(request.key);
    try {
      await removeFolder(this.logs(request.key).dir);
      const { digest } = await trees.add(request.key, (tree) => this.#fill(request, tree, signal));
      return { key: request.key, digest };
    } finally {
      this.#running.delete(request.key);
    }
  }

  /** The log of a build, whether it runs, is done or failed. */
  logs(key: ArtifactKey): LogFiles {
    return new LogFiles(join(this.#options.logDir, key), this.#options.bounds);
  }

  isRunning(key: ArtifactKey): boolean {
    return this.#running.has(key);
  }

  /** Ends what builds of an earlier controller left running. */
  async endLeftovers(): Promise<void> {
    await this.#options.families.kill(buildFamily(null), new AbortController().signal);
    await removeFolder(this.#options.workDir);
  }

  /** Removes the artifact and the log of its build. */
  async remove(key: ArtifactKey): Promise<void> {
    await this.#options.trees.remove(key);
    await removeFolder(this.logs(key).dir);
  }

  async #fill(request: BuildRequest, tree: string, signal: AbortSignal): Promise<string> {
    await exportSource(request, tree, signal);
    await readWebCommand(tree);
    const command = request.inputs.build.build;
    const user = this.#options.userOf(`build ${request.key}`);
    if (typeof command === 'string') await this.#run({ request, command, tree, user }, signal);
    if (user !== null) await sealTree(tree, typeof command === 'string' ? user.uid : null);
    signal.throwIfAborted();
    return `sha256:${(await surveyTree(tree, { content: true })).digest}`;
  }

  async #run({ request, command, tree, user }: Run, signal: AbortSignal): Promise<void> {
    const { workDir, base } = this.#options;
    const { key, inputs } = request;
    const work = join(workDir, key);
    const own = { home: join(work, 'home'), temp: join(work, 'tmp') };
    for (const folder of [own.home, own.temp]) await mkdir(folder, { recursive: true });
    await checkReachable(work, user);
    for (const folder of [work, tree]) await giveFolder(folder, user);
    const declared = inputs.build.build_timeout;
    const timeoutMs = (typeof declared === 'string' ? parseDurationMs(declared) : undefined) ?? DEFAULT_TIMEOUT_MS;
    const environment = buildEnvironment(base, key, own);
    try {
      await runBuild(
        this.#options,
        { key, command, timeoutMs, cwd: tree, environment, user, logs: this.logs(key) },
        signal,
      );
    } finally {
      await removeFolder(work);
    }
  }
}

/** The command of the `web` line of a tree's Procfile; `build-failed` names what is wrong with it. */
export async function readWebCommand(tree: string): Promise<string> {
  const web = await readProcfile(join(tree, 'Procfile'));
  if ('command' in web) return web.command;
  throw new MainspringError('build-failed', formatProcfileFault(web), {
    hint: 'A line of a Procfile is "web: command".',
  });
}

async function readProcfile(path: string): Promise<ReturnType<typeof webCommand>> {
  try {
    // A build could have put a link there that leads out of the tree, which we may read and it may not.
    return webCommand(await readFile(path, { encoding: 'utf8', flag: constants.O_RDONLY | constants.O_NOFOLLOW }));
  } catch (error) {
    if (isMissing(error)) return { line: null, message: 'expected a file of this name, found none' };
    if (error instanceof Error && 'code' in error && error.code === 'ELOOP') {
      return { line: null, message: 'expected a file, found a symbolic link' };
    }
    throw error;
  }
}
