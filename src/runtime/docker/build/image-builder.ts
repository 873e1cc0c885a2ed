import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../../model/clock.ts';
import { type ContainerBuild, containerBuild } from '../../../model/container.ts';
import { formatDuration, parseDurationMs } from '../../../model/duration.ts';
import { MainspringError } from '../../../model/errors.ts';
import type { ArtifactKey, InstallationId } from '../../../model/ids.ts';
import type { Artifact } from '../../../model/revision.ts';
import type { DockerBuildSettings } from '../../../model/settings.ts';
import type { BuildRequest } from '../../engine.ts';
import { removeFolder } from '../../folders.ts';
import { type LogBounds, LogFiles } from '../../log-files.ts';
import type { Client, DockerConnection } from '../connection/connection.ts';
import type { BuildWindows } from '../garbage/build-windows.ts';
import type { DiskRoom } from '../garbage/disk-room.ts';
import { type Images, imageId } from '../images.ts';
import { LABEL } from '../labels.ts';
import { artifactTag } from '../names.ts';
import type { RegistryAuth } from '../registry/registry-auth.ts';
import type { ArtifactRecords } from './artifact-records.ts';
import type { BaseHolds } from './base-holds.ts';
import { type BaseImage, type ResolveOptions, resolveBase, tagImage } from './base-images.ts';
import { BuildLog } from './build-log.ts';
import { type BuildWatch, buildMark } from './build-watch.ts';
import { contextStream } from './context.ts';
import type { MountedFiles } from './mounted-files.ts';
import { openSource, prepareSource, type ReadySource } from './prepare-source.ts';
import { BuilderRefused, type BuildOptions, sendBuild } from './send-build.ts';

/** What building images needs. */
export interface ImageBuilderOptions {
  readonly connection: DockerConnection;
  readonly installation: InstallationId;
  readonly settings: DockerBuildSettings;
  readonly auth: RegistryAuth;
  readonly images: Images;
  readonly records: ArtifactRecords;
  readonly files: MountedFiles;
  readonly clock: Clock;
  readonly logDir: string;
  /** Where sources are while they are sent that can't be read where they lie. */
  readonly workDir: string;
  readonly bounds: LogBounds;
  readonly room: DiskRoom;
  readonly watch: BuildWatch;
  /** Throws where nothing may be built now. */
  readonly mayBuild: () => void;
  readonly windows: BuildWindows;
  readonly holds: BaseHolds;
}

/** How long is looked for a front end that a build can do without. */
const SYNTAX_MS = 30_000;

/** One build under way. */
interface Run {
  readonly client: Client;
  readonly request: BuildRequest;
  readonly log: BuildLog;
  /** Tags of bases that it holds. */
  readonly held: string[];
  readonly signal: AbortSignal;
}

type FromSource = Exclude<ContainerBuild, { readonly image: string }>;

/** Makes the images of artifacts: from a Containerfile, or by pinning what a registry has. */
export class ImageBuilder {
  readonly #options: ImageBuilderOptions;
  readonly #running = new Set<ArtifactKey>();
  #refusesBuildKit = false;

  constructor(options: ImageBuilderOptions) {
    this.#options = options;
  }

  /** The artifact of the key, made unless it is there. Not for two at a time with one key. */
  async build(request: BuildRequest, signal: AbortSignal): Promise<Artifact> {
    const { connection, images } = this.#options;
    const client = await connection.client();
    const there = await connection.ask('look for an image', () => images.find(client, request.key));
    const { files } = containerBuild(request.inputs.build);
    const isWhole = files === undefined || (await this.#options.files.has(request.key));
    if (there !== undefined && isWhole) return this.#artifact(request.key, imageId(there));
    this.#options.mayBuild();
    await this.#options.room.check(client);
    this.#running.add(request.key);
    const fromMs = this.#options.clock.now();
    try {
      await removeFolder(this.logs(request.key).dir);
      return await this.#withDeadline(client, request, signal);
    } finally {
      this.#running.delete(request.key);
      await this.#options.windows.add({ fromMs, toMs: this.#options.clock.now() });
    }
  }

  /** The log of a build, whether it runs, is done or failed. */
  logs(key: ArtifactKey): LogFiles {
    return new LogFiles(join(this.#options.logDir, key), this.#options.bounds);
  }

  /** Whether anything is built now. */
  get isBusy(): boolean {
    return this.#running.size > 0;
  }

  isRunning(key: ArtifactKey): boolean {
    return this.#running.has(key);
  }

  /** Removes what is kept of a build beside its image. */
  async forget(key: ArtifactKey): Promise<void> {
    await this.#options.records.remove(key);
    await this.#options.files.remove(key);
    await removeFolder(this.logs(key).dir);
  }

  async #withDeadline(client: Client, request: BuildRequest, signal: AbortSignal): Promise<Artifact> {
    const { connection, settings } = this.#options;
    const declared = request.inputs.build.timeout;
    const ms = (typeof declared === 'string' ? parseDurationMs(declared) : undefined) ?? settings.timeoutMs;
    const late = AbortSignal.timeout(ms);
    const log = await BuildLog.open(this.logs(request.key));
    const held: string[] = [];
    try {
      const { room, watch } = this.#options;
      return await room.watching(client, AbortSignal.any([signal, late]), (roomy) =>
        watch.watching(request.key, roomy, (until) => this.#make({ client, request, log, held, signal: until })),
      );
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (late.aborted) throw tookTooLong(ms);
      throw connection.failure('build', error);
    } finally {
      for (const tag of held) this.#options.holds.release(tag);
      await log.close();
    }
  }

  async #make(run: Run): Promise<Artifact> {
    const { installation, images } = this.#options;
    const build = containerBuild(run.request.inputs.build);
    const { key } = run.request;
    if (build.files === undefined || !(await this.#keepFiles(run, build.files))) {
      if ('image' in build) await this.#pin(run, build.image);
      else await this.#fromSource(run, build);
    }
    run.signal.throwIfAborted();
    const made = await images.find(run.client, key);
    if (made === undefined) throw new Error(`the engine built no image "${artifactTag(installation, key)}"`);
    return this.#artifact(key, imageId(made));
  }

  async #artifact(key: ArtifactKey, digest: string): Promise<Artifact> {
    const { bases } = await this.#options.records.find(key);
    return { key, digest, bases };
  }

  /** Comes first, so that an image that is there has its files too. Gives whether the image is there: they alone were lost. */
  async #keepFiles({ client, request, log, signal }: Run, paths: readonly string[]): Promise<boolean> {
    const { workDir, files, images } = this.#options;
    const work = join(workDir, request.key);
    try {
      await files.keep(request.key, paths, await openSource(request, work, signal), signal);
      await log.say(`kept of the source: ${paths.map((path) => `"./${path}"`).join(', ')}`);
    } finally {
      await removeFolder(work);
    }
    return (await images.find(client, request.key)) !== undefined;
  }

  /** Nothing is built: the image that the reference means now is the artifact from here on. */
  async #pin(run: Run, ref: string): Promise<void> {
    const { installation } = this.#options;
    const [base] = await this.#resolve(run, [ref]);
    if (base === undefined) return;
    await run.log.say(`"${ref}" is ${base.digest ?? base.id}`);
    await tagImage(run.client, base.id, artifactTag(installation, run.request.key));
  }

  async #fromSource(run: Run, build: FromSource): Promise<void> {
    const { workDir, settings, records } = this.#options;
    const work = join(workDir, run.request.key);
    await removeFolder(work);
    try {
      const source = await prepareSource(run.request, build, work, run.signal);
      const bases = await this.#resolve(run, [
        ...new Set(source.images.filter((use) => !use.isSyntax).map(({ ref }) => ref)),
      ]);
      const syntax = await this.#resolveSyntax(run, source);
      if (syntax.length > 0) await records.save(run.request.key, { bases: [...bases, ...syntax] });
      const certificates = settings.caBundle === null ? null : await readFile(settings.caBundle, 'utf8');
      await this.#send(run, { build, source, bases: [...bases, ...syntax], certificates });
    } finally {
      await removeFolder(work);
    }
  }

  /** Which images they are is on record before anything is made of them. */
  async #resolve(run: Run, refs: readonly string[]): Promise<readonly BaseImage[]> {
    const { records } = this.#options;
    const { bases: recorded } = await records.find(run.request.key);
    const bases: BaseImage[] = [];
    for (const ref of refs) {
      const base = await resolveBase(run.client, ref, recorded, this.#resolving(run, run.signal));
      bases.push(base);
      await run.log.say(`base "${ref}" is ${base.digest ?? base.id}`);
    }
    await records.save(run.request.key, { bases });
    return bases;
  }

  /** A front end that `# syntax=` names is used where it is to be had soon; the engine's own can do without. */
  async #resolveSyntax(run: Run, source: ReadySource): Promise<readonly BaseImage[]> {
    const ref = source.images.find((use) => use.isSyntax)?.ref;
    if (ref === undefined || this.#builder(run.client) === 'classic') return [];
    const soon = AbortSignal.any([run.signal, AbortSignal.timeout(SYNTAX_MS)]);
    try {
      return [await resolveBase(run.client, ref, [], this.#resolving(run, soon))];
    } catch (error) {
      if (run.signal.aborted) throw error;
      await run.log.say(`"# syntax=${ref}" is not to be had: the engine's own front end is used`);
      return [];
    }
  }

  #resolving({ request, log, held }: Run, signal: AbortSignal): ResolveOptions {
    const { installation, auth, holds } = this.#options;
    // A period that an artifact is made for anew is for what the registry has then.
    const newest = containerBuild(request.inputs.build).refresh !== undefined;
    const hold = (tag: string, put: () => Promise<void>) => {
      held.push(tag);
      return holds.hold(tag, put);
    };
    return { installation, auth, signal, newest, hold, say: (line) => log.say(line) };
  }

  async #send(run: Run, what: Sent): Promise<void> {
    const builder = this.#builder(run.client);
    try {
      await this.#sendTo(builder, run, what);
    } catch (error) {
      if (!(error instanceof BuilderRefused)) throw error;
      if (builder === 'classic' || this.#options.settings.builder === 'buildkit') throw refusedBuild(error);
      await run.log.say(`BuildKit is refused (${error.message}): the classic builder is used`);
      await this.#sendTo('classic', run, what).catch((again: unknown) => {
        throw again instanceof BuilderRefused ? refusedBuild(again) : again;
      });
      this.#refusesBuildKit = true;
    }
  }

  #sendTo(builder: 'buildkit' | 'classic', { client, request, log, signal }: Run, what: Sent): Promise<void> {
    const { installation, settings } = this.#options;
    const labels = {
      [LABEL.installation]: installation,
      [LABEL.artifact]: request.key,
      [LABEL.bases]: JSON.stringify(what.bases),
    };
    const { files, file } = what.source.files(what.bases, {
      installation,
      // The classic builder leaves images of its steps behind: by this label they are found.
      labels: builder === 'classic' ? { [LABEL.installation]: installation } : {},
      certificates: what.certificates,
    });
    const options: BuildOptions = {
      t: artifactTag(installation, request.key),
      dockerfile: file,
      labels,
      buildargs: { ...proxyArgs(settings, request.key), ...what.build.args },
      ...(what.build.target === undefined ? {} : { target: what.build.target }),
      ...(what.build.network === false ? { networkmode: 'none' } : {}),
      ...(builder === 'classic' ? limitsOf(settings) : {}),
    };
    const context = () => contextStream({ tree: what.source.tree, ignore: what.source.ignore, own: files }, signal);
    return sendBuild(client, context, options, { builder, say: (line) => log.say(line), signal });
  }

  #builder({ about }: Client): 'buildkit' | 'classic' {
    const { builder } = this.#options.settings;
    if (builder !== 'auto') return builder;
    return about.kind === 'podman' || this.#refusesBuildKit ? 'classic' : 'buildkit';
  }
}

/** What goes to the builder. */
interface Sent {
  readonly build: FromSource;
  readonly source: ReadySource;
  readonly bases: readonly BaseImage[];
  readonly certificates: string | null;
}

/** Builders know these names by themselves: they are in no layer and change no cache. By the last one the steps of a build are known. */
function proxyArgs({ httpProxy, httpsProxy, noProxy }: DockerBuildSettings, key: ArtifactKey): Record<string, string> {
  const marked = [...(noProxy === null ? [] : [noProxy]), buildMark(key)].join(',');
  const all = { HTTP_PROXY: httpProxy, HTTPS_PROXY: httpsProxy, NO_PROXY: marked };
  const given = Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== null);
  return Object.fromEntries(
    given.flatMap(([name, value]) => [
      [name, value],
      [name.toLowerCase(), value],
    ]),
  );
}

function limitsOf({ memoryBytes, cpus }: DockerBuildSettings) {
  return {
    ...(memoryBytes === null ? {} : { memory: memoryBytes, memswap: memoryBytes }),
    ...(cpus === null ? {} : { cpuperiod: 100_000, cpuquota: Math.round(cpus * 100_000) }),
  };
}

function refusedBuild(error: BuilderRefused): MainspringError {
  return new MainspringError('build-failed', `build: ${error.message}`, {
    cause: error,
    hint: 'The whole output: mainspring logs APP --build.',
  });
}

function tookTooLong(ms: number): MainspringError {
  return new MainspringError('build-timeout', `build: not done after ${formatDuration(ms)}`, {
    hint: 'Make it faster, or give it longer: container_opts = {"build_timeout": …}, or [docker] build_timeout.',
  });
}
