import { createRequire } from 'node:module';
import protobuf from 'protobufjs';

/** What a message of a build says. */
export type BuildNews =
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'image'; readonly id: string }
  /** `by`: whether what is built is the cause, or the builder itself. */
  | { readonly kind: 'failed'; readonly by: 'build' | 'builder'; readonly message: string };

/** One JSON message of the stream that a build answers with, of either builder. */
export interface BuildMessage {
  readonly stream?: string;
  readonly status?: string;
  readonly id?: string;
  readonly aux?: unknown;
  readonly error?: string;
  readonly errorDetail?: { readonly message?: string };
}

/** The parts of BuildKit's status that are read. */
interface Status {
  readonly vertexes?: readonly Vertex[];
  readonly logs?: readonly { readonly vertex: string; readonly msg: Uint8Array }[];
}

interface Vertex {
  readonly digest: string;
  readonly name: string;
  readonly started?: unknown;
  readonly completed?: unknown;
  readonly cached?: boolean;
  readonly error?: string;
}

/**
 * Names of BuildKit's own steps, which stand in no Containerfile: the context, the images that come of it. What `load metadata` looks for is
 * named in one.
 */
const OWN_STEPS =
  /^(?:\[internal\] (?!load metadata)|copy \/context \/|exporting |writing image |naming to |importing cache )/;
/**
 * What the builder says of itself, whatever step it was at: what was sent is not at hand ("context not found" of dockerd's own transport,
 * when it is asked for twice), a step got no network, or the engine is ending.
 */
const OWN_FAULTS =
  /failed to read downloaded context|failed to create endpoint|context canceled$|transport is closing|error reading from server|code = Unavailable/;
const EXIT_CODE = /(?:exit code: |returned a non-zero code: |exit status )(\d+)\s*$/;
/** What an error of a step begins with: the command, which may hold any words. */
const COMMAND = /^(?:executor failed running \[[\s\S]*\]: |process "[\s\S]*" did not complete successfully: )/;

/** How many lines of each step are kept for the reason of a failure. */
const REASON_LINES = 8;
const MOST_CHARACTERS = 300;
const MOST_LINE = 4_096;
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what colours are written with.
const COLOURS = /\u001b\[[0-9;]*m/g;

/** Turns what a builder sends, BuildKit or the classic one, into lines, the image, or the reason why there is none. */
export class BuildOutput {
  readonly #steps = new Map<string, { name: string; isSaid: boolean; isCached: boolean; lines: string[] }>();
  readonly #rests = new Map<string, string>();
  #lastStep = '';
  #failedStep: string | null = null;

  /** What a message says, in order. */
  read(message: BuildMessage): BuildNews[] {
    const error = message.errorDetail?.message ?? message.error;
    if (error !== undefined) return [...this.end(), this.#failure(error)];
    if (message.id === 'moby.buildkit.trace' && typeof message.aux === 'string') return this.#status(message.aux);
    const id = imageIn(message.aux);
    if (id !== undefined) return [{ kind: 'image', id }];
    if (message.stream !== undefined) return this.#classic(message.stream);
    return message.status === undefined || message.id !== undefined ? [] : [{ kind: 'line', text: message.status }];
  }

  /** What was printed without the end of a line. */
  end(): BuildNews[] {
    const rests = [...this.#rests.values()].filter((rest) => rest !== '');
    this.#rests.clear();
    return rests.map((text) => ({ kind: 'line', text }));
  }

  #status(aux: string): BuildNews[] {
    const { vertexes = [], logs = [] } = decodeStatus(aux);
    const steps = vertexes.flatMap((vertex) => this.#vertex(vertex));
    const printed = logs.flatMap(({ vertex, msg }) => this.#print(vertex, Buffer.from(msg).toString()));
    return [...steps, ...printed];
  }

  #vertex({ digest, name, started, cached, error }: Vertex): BuildNews[] {
    const step = this.#steps.get(digest) ?? { name, isSaid: false, isCached: false, lines: [] };
    this.#steps.set(digest, step);
    if (error !== undefined && error !== '') this.#failedStep = digest;
    const isNews = !step.isSaid && started !== undefined && started !== null;
    const isCached = cached === true && !step.isCached;
    step.isSaid ||= isNews;
    step.isCached ||= isCached;
    return [
      ...(isNews ? [{ kind: 'line', text: name } as const] : []),
      ...(isCached ? [{ kind: 'line', text: `${name}: as before (cached)` } as const] : []),
    ];
  }

  #classic(text: string): BuildNews[] {
    // "Step 2/4 : RUN …" of the classic builder, "STEP 2/4: RUN …" of Podman's.
    const [line, step] = /^step \d+\/\d+ ?: (.*)/im.exec(text) ?? [];
    if (line === undefined || step === undefined) return this.#print(this.#lastStep, text);
    this.#lastStep = step;
    this.#steps.set(step, { name: step, isSaid: true, isCached: false, lines: [] });
    return [{ kind: 'line', text: line }];
  }

  /** Lines as they get whole; those of the step that fails are its reason. */
  #print(step: string, text: string): BuildNews[] {
    const lines = `${this.#rests.get(step) ?? ''}${text}`.split('\n');
    const rest = lines.pop() ?? '';
    this.#rests.set(step, rest.length > MOST_LINE ? '' : rest);
    if (rest.length > MOST_LINE) lines.push(rest);
    const clean = lines.map((line) => line.replace(COLOURS, '').replace(/\r$/, '')).filter((line) => line !== '');
    const kept = this.#steps.get(step);
    if (kept !== undefined) {
      kept.lines.push(...clean.filter((line) => !/^ ---> |^Removing intermediate container/.test(line)));
      kept.lines.splice(0, kept.lines.length - REASON_LINES);
    }
    return clean.map((line) => ({ kind: 'line', text: line }));
  }

  #failure(error: string): BuildNews {
    const step = this.#failedStep === null ? undefined : this.#steps.get(this.#failedStep);
    const words = EXIT_CODE.test(error) ? '' : error.trim().replace(COMMAND, '');
    const isOwn = OWN_FAULTS.test(words) || (step !== undefined && OWN_STEPS.test(step.name));
    return { kind: 'failed', by: isOwn ? 'builder' : 'build', message: this.#reason(error) };
  }

  #reason(error: string): string {
    const step = this.#steps.get(this.#failedStep ?? this.#lastStep);
    if (step === undefined || step.name === '') return error.trim();
    const last = step.lines.map((line) => line.slice(0, MOST_CHARACTERS));
    return [`step "${step.name.slice(0, MOST_CHARACTERS)}": ${endOf(error)}`, ...last].join('\n');
  }
}

/** What both builders say of a command that failed, without the command: it is named beside. */
function endOf(error: string): string {
  const code = EXIT_CODE.exec(error.trim())?.[1];
  return code === undefined ? error.trim().slice(0, 1_000) : `exited with code ${code}`;
}

function imageIn(aux: unknown): string | undefined {
  if (typeof aux !== 'object' || aux === null || !('ID' in aux)) return undefined;
  return typeof aux.ID === 'string' ? aux.ID : undefined;
}

let statusType: protobuf.Type | null = null;

/** BuildKit's status by the description that dockerode brings; its own decoder leaves printed text in base64. */
function decodeStatus(aux: string): Status {
  if (statusType === null) {
    const path = createRequire(import.meta.url).resolve('dockerode/lib/proto/buildkit_status.proto');
    statusType = protobuf.loadSync(path).lookupType('moby.buildkit.v1.StatusResponse');
  }
  return statusType.toObject(statusType.decode(Buffer.from(aux, 'base64'))) as Status;
}
