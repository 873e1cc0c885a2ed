import { inspect } from 'node:util';
import type { Finding, Outcome } from './outcome.ts';

/** The fields read here of the events that Node's test runner sends. */
export interface TestEvent {
  readonly type: string;
  readonly data?: object | undefined;
}

interface TestData {
  readonly name: string;
  readonly skip?: string | boolean;
  readonly todo?: string | boolean;
  readonly message?: string;
  readonly details?: { readonly type?: string; readonly error?: Error };
}

/** Follows the run of one test file: counts, and keeps what is worth showing. */
export class FileReport {
  readonly #file: string;
  readonly #path: string;
  readonly #failures: Finding[] = [];
  readonly #skips: Finding[] = [];
  #passed = 0;
  #output = '';

  /** `file` is how it is called in the report, `path` how the runner calls it. */
  constructor(file: string, path: string) {
    this.#file = file;
    this.#path = path;
  }

  /** Takes the next event, in the order the runner sends them. */
  add({ type, data }: TestEvent): void {
    const test = data as TestData;
    if (type === 'test:pass' || type === 'test:fail') this.#addResult(test, type === 'test:pass');
    if (type === 'test:stdout' || type === 'test:stderr') this.#output += test.message ?? '';
  }

  /** What the events so far came to. */
  outcome(): Outcome {
    return { passed: this.#passed, failures: this.#failures, skips: this.#skips, notices: [] };
  }

  /** One line if all is well, else the failures whole with what the file printed. */
  render(ms: number): string {
    return renderReport({ name: this.#file, outcome: this.outcome(), output: this.#output, ms });
  }

  #addResult(test: TestData, passed: boolean): void {
    if (isSet(test.skip) || isSet(test.todo)) this.#addSkip(test);
    else if (!passed) this.#addFailure(test, describeError(test.details?.error));
    // The runner reports a file by its own name when there is nothing else to report.
    else if (test.name === this.#path) this.#addFailure(test, 'holds no test');
    else if (test.details?.type !== 'suite') this.#passed += 1;
  }

  #addSkip(test: TestData): void {
    const reason = [test.skip, test.todo].find((value) => typeof value === 'string') ?? '';
    this.#skips.push({ name: `${this.#file}: ${test.name}`, detail: String(reason) });
  }

  #addFailure(test: TestData, detail: string): void {
    // A parent fails because its children did: they are reported themselves.
    if (isSubtestsFailed(test.details?.error)) return;
    const name = test.name === this.#path ? `${this.#file} as a whole` : `${this.#file}: ${test.name}`;
    this.#failures.push({ name, detail });
  }
}

/** What test files came to that were run as one. */
export interface Report {
  readonly name: string;
  readonly outcome: Outcome;
  /** What they printed. */
  readonly output: string;
  readonly ms: number;
}

/** One line if all is well, else the failures whole with what was printed. */
export function renderReport({ name, outcome, output, ms }: Report): string {
  const { passed, failures, skips } = outcome;
  const counts = [
    `${passed} passed`,
    failures.length > 0 && `${failures.length} failed`,
    skips.length > 0 && `${skips.length} skipped`,
  ].filter((part) => part !== false);
  if (failures.length === 0) return `ok      ${name} (${counts.join(', ')}; ${toSeconds(ms)})`;
  return [
    `not ok  ${name} (${counts.join(', ')}; ${toSeconds(ms)})\n`,
    ...failures.map((failure) => `    ✖ ${failure.name}\n${indent(failure.detail)}\n`),
    ...(output === '' ? [] : [`    its output:\n${indent(output)}\n`]),
  ].join('\n');
}

/** A duration for people. */
export function toSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function isSet(mark: string | boolean | undefined): boolean {
  return mark !== undefined && mark !== false;
}

function isSubtestsFailed(error: Error | undefined): boolean {
  return error !== undefined && 'failureType' in error && error.failureType === 'subtestsFailed';
}

/** The runner wraps what was thrown; what matters is inside. */
function describeError(error: Error | undefined): string {
  const thrown = error?.cause ?? error;
  return typeof thrown === 'string' ? thrown : inspect(thrown, { depth: 5 });
}

function indent(text: string): string {
  return text.trimEnd().replaceAll(/^/gm, '      ');
}
