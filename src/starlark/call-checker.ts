import type { CollectedCall, CollectedProblem } from './collected.ts';
import { DIALECT_NAMES } from './dialect.ts';
import { fieldOf } from './field.ts';
import { FOREIGN_ARGUMENTS } from './foreign-names.ts';
import { errorAt, type LocatedError } from './located-error.ts';
import { nameHint } from './nearest.ts';
import type { Shape } from './shapes.ts';

/** Checks one call: hands out its arguments by shape, and keeps every error with place, subject and trail. */
export class CallChecker {
  readonly errors: LocatedError[] = [];
  readonly #call: CollectedCall;
  readonly #subject: string;

  /** `subject` begins every message: `app "/tools/sales"`. */
  constructor(call: CollectedCall, subject: string) {
    this.#call = call;
    this.#subject = subject;
    for (const problem of call.problems) this.#addProblem(problem);
  }

  /** Whether the argument was given. None counts as not given, so that functions can hand through what they were not told. */
  has(argument: string): boolean {
    return (this.#call.args[argument] ?? null) !== null;
  }

  /** What the argument means; `undefined` where it was not given or is wrong (which is reported). */
  take<T>(argument: string, shape: Shape<T>): T | undefined {
    return this.has(argument) ? this.need(argument, shape) : undefined;
  }

  /** The same for an argument that a call must have: None is wrong there. That it is missing was reported by the evaluator. */
  need<T>(argument: string, shape: Shape<T>): T | undefined {
    const value = this.#call.args[argument];
    const field = fieldOf((name, message, hint) => this.fail(name, message, hint), argument);
    return value === undefined ? undefined : shape(value, field);
  }

  /** Reports something wrong with an argument, or with the call as a whole where the argument is not written in it. */
  fail(argument: string, message: string, hint = ''): undefined {
    const spot = this.#call.argumentSpots[argument];
    const at = spot === undefined ? this.#call.at : { file: this.#call.at.file, line: spot[0], column: spot[1] };
    this.errors.push(errorAt(at, `${this.#subject}: ${message}`, { hint: this.#withTrail(hint) }));
    return undefined;
  }

  #addProblem(problem: CollectedProblem): void {
    const { message, hint } = problemText(this.#call.builtin, problem);
    this.errors.push(errorAt(problem.at, `${this.#subject}: ${message}`, { hint: this.#withTrail(hint) }));
  }

  #withTrail(hint: string): string {
    return [hint, this.#call.trail].filter((part) => part !== '').join(' ');
  }
}

function problemText(builtin: string, { kind, name, message }: CollectedProblem): { message: string; hint: string } {
  switch (kind) {
    case 'unknown':
      return { message: `unknown argument "${name}"`, hint: unknownHint(builtin, name) };
    case 'missing':
      return { message: `needs "${name}"`, hint: builtin === 'app' ? 'For example app("/docs", "./docs").' : '' };
    case 'extra':
      return { message, hint: builtin === 'app' ? 'Only path and source go without a name.' : 'Write name = value.' };
    case 'duplicate':
      return { message: `argument "${name}" is given twice`, hint: '' };
    case 'invalid':
      return { message: `${name}: ${message}`, hint: '' };
    case 'loaded':
      return {
        message: 'called while a file is being loaded; only entry files declare',
        hint: 'Put the call into a function, and call that from an entry file (*.star at the root, or below config/).',
      };
  }
}

function unknownHint(builtin: string, name: string): string {
  const foreign = builtin === 'app' && Object.hasOwn(FOREIGN_ARGUMENTS, name) ? FOREIGN_ARGUMENTS[name] : undefined;
  return foreign ?? nameHint(name, DIALECT_NAMES[builtin] ?? [], `${builtin}()`);
}
