import type { ArgumentProblem, Call, Frame, Value } from 'starlark-wasm';
import type { Spot } from './located-error.ts';

/** Something wrong with how a function was called, at a place where people can mend it. */
export interface CollectedProblem {
  readonly kind: ArgumentProblem['kind'];
  readonly name: string;
  readonly message: string;
  readonly at: Spot;
}

/** One call of a declaring function, cut down to what is checked and kept. */
export interface CollectedCall {
  readonly builtin: string;
  readonly args: Readonly<Record<string, Value>>;
  /** Where it stands in the entry file: the call itself, else the line that led to it. */
  readonly at: Spot;
  /** Where arguments stand, for those written in the entry file itself. */
  readonly argumentSpots: Readonly<Record<string, readonly [line: number, column: number]>>;
  /** How the call came about where functions led to it, as a sentence; empty for a plain call. */
  readonly trail: string;
  readonly problems: readonly CollectedProblem[];
}

/**
 * Cuts a call down. Errors of a call that a loaded function makes are reported at the entry file's line that led to it:
 * that is where the values come from; the trail names the rest.
 */
export function collectCall(call: Call, entry: string): CollectedCall {
  const inEntry = call.position.file === entry;
  const at = inEntry ? spotOf(call.position) : entrySpot(call.stack, entry, spotOf(call.position));
  return {
    builtin: call.builtin,
    args: call.args,
    at,
    argumentSpots: argumentSpots(call, entry),
    trail: trailOf(call.stack, at, `${call.builtin}() stands`),
    problems: call.problems.map((problem) => collectProblem(problem, entry, at)),
  };
}

function argumentSpots(call: Call, entry: string): CollectedCall['argumentSpots'] {
  const own = Object.entries(call.positions).filter(([, spot]) => spot.file === entry);
  return Object.fromEntries(own.map(([name, spot]) => [name, [spot.line, spot.column] as const]));
}

function collectProblem(problem: ArgumentProblem, entry: string, at: Spot): CollectedProblem {
  const { kind, name, message, position } = problem;
  const isOwn = kind === 'loaded' || position.file === entry;
  return { kind, name, message, at: isOwn ? spotOf(position) : at };
}

/** The innermost frame of the entry file; `otherwise` where there is none (a loaded file's own top level). */
export function entrySpot(stack: readonly Frame[], entry: string, otherwise: Spot): Spot {
  const frame = stack.findLast((one) => one.file === entry && one.line > 0);
  return frame === undefined ? otherwise : spotOf(frame);
}

const MAX_FRAMES = 3;

/** The frames of a stack other than `at`, as a sentence: what lies deeper, then who called. Empty when there are none. */
export function trailOf(stack: readonly Frame[], at: Spot, what: string): string {
  const index = stack.findLastIndex((one) => one.file === at.file && one.line === at.line);
  const deepest = stack.at(-1);
  const callers = stack.slice(0, Math.max(index, 0)).reverse();
  const inner = deepest !== undefined && index < stack.length - 1 ? `${what} at ${place(deepest)}` : '';
  const shown = callers.slice(0, MAX_FRAMES).map(place).join(', ');
  const outer =
    shown === ''
      ? ''
      : `${inner === '' ? 'Called' : 'called'} from ${shown}${callers.length > MAX_FRAMES ? ', …' : ''}`;
  if (inner === '' && outer === '') return '';
  return `${[inner, outer].filter((part) => part !== '').join(', ')}.`;
}

function place(frame: Frame): string {
  const inside = frame.name === '<toplevel>' ? '' : ` (in ${frame.name})`;
  return `${frame.file}:${frame.line}${inside}`;
}

function spotOf(position: Spot): Spot {
  return { file: position.file, line: position.line, column: position.column };
}
