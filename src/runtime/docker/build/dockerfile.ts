import { type Dockerfile, DockerfileParser, type Instruction } from 'dockerfile-ast';
import { substitute } from './substitute.ts';

/** A place in a Containerfile where an image is named. */
export interface ImageUse {
  /** The reference, variables filled in. */
  readonly ref: string;
  readonly from: number;
  readonly to: number;
  /** What is written is a front end of BuildKit (`# syntax=`), which a build may do without. */
  readonly isSyntax: boolean;
}

/** A parsed Containerfile: which images it needs, and where that is written. */
export interface ParsedDockerfile {
  readonly text: string;
  readonly uses: readonly ImageUse[];
  /** Offsets of the ends of `FROM` lines that begin with an image, not with an earlier stage. */
  readonly stageStarts: readonly number[];
}

type Range = NonNullable<ReturnType<Instruction['getRange']>>;

/** Finds every image that a Containerfile names from outside: `FROM`, `COPY --from`, `RUN --mount=from=`, `# syntax=`. */
export function parseDockerfile(text: string, args: Readonly<Record<string, string>>): ParsedDockerfile {
  const plain = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  const file = DockerfileParser.parse(plain);
  const at = offsets(plain);
  const stages = new Set<string>();
  const uses: ImageUse[] = [...syntaxUses(file, at)];
  const stageStarts: number[] = [];
  const variables = globalVariables(file, args);
  const add = (raw: string | null | undefined, range: Range | null | undefined, stageCount: number) => {
    if (raw === null || raw === undefined || raw === '' || !range) return false;
    const ref = substitute(raw, variables);
    if (isLocal(ref, stages, stageCount)) return false;
    uses.push({ ref, from: at(range.start), to: at(range.end), isSyntax: false });
    return true;
  };
  let stageCount = 0;
  for (const instruction of file.getInstructions()) {
    if (instruction.getKeyword() === 'FROM') {
      const from = file.getFROMs()[stageCount];
      if (add(from?.getImage(), from?.getImageRange(), -1)) stageStarts.push(at(instruction.getRange().end));
      const name = from?.getBuildStage();
      if (name) stages.add(name.toLowerCase());
      stageCount += 1;
    } else {
      for (const { value, range } of fromFlags(instruction)) add(value, range, stageCount);
    }
  }
  return { text: plain, uses, stageStarts };
}

/** The same Containerfile with other images in those places, and lines put in after each beginning of a stage. */
export function rewriteDockerfile(
  parsed: ParsedDockerfile,
  replaced: ReadonlyMap<ImageUse, string>,
  inserted: readonly string[],
): string {
  const edits = [
    ...[...replaced].map(([use, text]) => ({ from: use.from, to: use.to, text })),
    ...(inserted.length === 0
      ? []
      : parsed.stageStarts.map((offset) => ({ from: offset, to: offset, text: `\n${inserted.join('\n')}` }))),
  ].sort((a, b) => a.from - b.from);
  let end = 0;
  const parts: string[] = [];
  for (const edit of edits) {
    parts.push(parsed.text.slice(end, edit.from), edit.text);
    end = edit.to;
  }
  return [...parts, parsed.text.slice(end)].join('');
}

/** The names and values that a `FROM` may use: the `ARG` lines before the first one, and what the build is given for them. */
function globalVariables(file: Dockerfile, args: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  for (const arg of file.getInitialARGs()) {
    const property = arg.getProperty();
    if (property === null) continue;
    const name = property.getName();
    const value = args[name] ?? property.getUnescapedValue();
    if (value !== null) variables.set(name, substitute(value, variables));
  }
  return variables;
}

function isLocal(ref: string, stages: ReadonlySet<string>, stageCount: number): boolean {
  if (ref === 'scratch' || stages.has(ref.toLowerCase())) return true;
  return /^\d+$/.test(ref) && Number(ref) < stageCount;
}

/** `--from=` of a `COPY`, and `from=` in the mounts of a `RUN`. */
function fromFlags(instruction: Instruction): { readonly value: string | null; readonly range: Range | null }[] {
  if (!('getFlags' in instruction)) return [];
  const flags = (instruction as ReturnType<Dockerfile['getFROMs']>[number]).getFlags();
  return flags.flatMap((flag) => {
    if (flag.getName() === 'from') return [{ value: flag.getValue(), range: flag.getValueRange() }];
    if (flag.getName() !== 'mount') return [];
    const option = flag.getOption('from');
    return option === null ? [] : [{ value: option.getValue(), range: option.getValueRange() }];
  });
}

function syntaxUses(file: Dockerfile, at: (position: Range['start']) => number): ImageUse[] {
  return file
    .getDirectives()
    .filter((directive) => directive.getName().toLowerCase() === 'syntax')
    .map((directive) => {
      const range = directive.getValueRange();
      return { ref: directive.getValue(), from: at(range.start), to: at(range.end), isSyntax: true };
    });
}

function offsets(text: string): (position: Range['start']) => number {
  const starts = [0];
  for (let index = text.indexOf('\n'); index >= 0; index = text.indexOf('\n', index + 1)) starts.push(index + 1);
  return ({ line, character }) => (starts[line] ?? text.length) + character;
}
