import type {
  ArgumentProblem,
  Builtin,
  Call,
  Frame,
  LimitName,
  Position,
  Print,
  StarlarkError,
  Value,
} from './types.ts';

type WirePlace = [file: number, line: number, column: number];
type WireProblem = [kind: ArgumentProblem['kind'], name: string, message: string, suggestion: string, ...WirePlace];
type WireFrames = (string | number)[];
type WireCall = [
  builtin: number,
  args: { [name: string]: Value },
  ...place: WirePlace,
  places: number[],
  module: number,
  frames: WireFrames,
  problems: WireProblem[],
];
type WireFailure = [
  kind: StarlarkError['kind'],
  limit: LimitName | '',
  message: string,
  suggestion: string,
  file: string,
  line: number,
  column: number,
  frames: WireFrames,
];

interface WireResult {
  readonly calls: readonly WireCall[];
  readonly prints: readonly [message: string, ...WirePlace][];
  readonly globals: { [name: string]: Value };
  readonly errors: readonly WireFailure[];
  readonly steps: number;
}

/** A result as the program wrote it, made readable. */
export interface DecodedResult {
  readonly calls: readonly Call[];
  readonly prints: readonly Print[];
  readonly globals: { readonly [name: string]: Value };
  readonly errors: readonly StarlarkError[];
  readonly steps: number;
}

/** Turns the program's terse JSON, in which files and parameters are numbers, into calls, prints and errors. */
export function decodeResult(json: string, files: readonly string[], builtins: readonly Builtin[]): DecodedResult {
  const wire = JSON.parse(json) as WireResult;
  return {
    calls: wire.calls.map((call) => toCall(call, files, builtins)),
    prints: wire.prints.map(([message, ...place]) => ({ message, position: toPosition(place, files) })),
    globals: wire.globals,
    errors: wire.errors.map((failure) => toError(failure, files)),
    steps: wire.steps,
  };
}

function toPosition([file, line, column]: WirePlace, files: readonly string[]): Position {
  return { file: files[file] ?? '', line, column };
}

function toCall(wire: WireCall, files: readonly string[], builtins: readonly Builtin[]): Call {
  const [index, args, file, line, column, places, module, frames, problems] = wire;
  const builtin = builtins[index] as Builtin;
  const position = toPosition([file, line, column], files);
  return {
    builtin: builtin.name,
    args,
    position,
    positions: toPositions(places, builtin, position.file),
    module: files[module] ?? '',
    stack: toFrames(frames, files),
    problems: problems.map((problem) => toProblem(problem, files)),
  };
}

function toPositions(places: readonly number[], builtin: Builtin, file: string): Record<string, Position> {
  const positions: Record<string, Position> = {};
  for (let i = 0; i < places.length; i += 3) {
    const [parameter, line, column] = places.slice(i, i + 3) as WirePlace;
    const name = builtin.parameters[parameter]?.name ?? '';
    positions[name] = { file, line, column };
  }
  return positions;
}

function toProblem(
  [kind, name, message, suggestion, ...place]: WireProblem,
  files: readonly string[],
): ArgumentProblem {
  const problem = { kind, name, message, position: toPosition(place, files) };
  return suggestion === '' ? problem : { ...problem, suggestion };
}

function toFrames(frames: WireFrames, files: readonly string[]): Frame[] {
  const result: Frame[] = [];
  for (let i = 0; i < frames.length; i += 4) {
    const [name, file, line, column] = frames.slice(i, i + 4) as [string, ...WirePlace];
    result.push({ name, ...toPosition([file, line, column], files) });
  }
  return result;
}

function toError(wire: WireFailure, files: readonly string[]): StarlarkError {
  const [kind, limit, message, suggestion, file, line, column, frames] = wire;
  return {
    kind,
    message,
    file,
    line,
    column,
    backtrace: toFrames(frames, files),
    ...(limit !== '' && { limit }),
    ...(suggestion !== '' && { suggestion }),
  };
}
