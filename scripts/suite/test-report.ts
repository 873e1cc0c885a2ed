import { inspect } from 'node:util';
import type { Finding, Outcome } from './outcome.ts';

/** The fields read here of the events that Node's test runner sends. */
export interface TestEvent {
  readonly type: string;
  readonly data?: object | undefined;
}

interface TestData {
  readonly name: string;
  readonly file?: string;
  readonly nesting: number;
  readonly skip?: string | boolean;
  readonly todo?: string | boolean;
  readonly message?: string;
  readonly duration_ms?: number;
  readonly details?: { readonly type?: string; readonly error?: Error };
}

interface FileState {
  passed: number;
  skipped: number;
  output: string;
  readonly failures: Finding[];
}

const slowestCount = 5;
const slowMs = 1_000;

/** Follows a run of Node's test runner: prints a line per file as it ends, and counts. */
export class TestReport {
  readonly #nameOf: (file: string) => string;
  readonly #print: (text: string) => void;
  readonly #files = new Map<string, FileState>();
  readonly #durations: { readonly file: string; readonly ms: number }[] = [];
  readonly #skips: Finding[] = [];

  constructor(nameOf: (file: string) => string, print: (text: string) => void = console.log) {
    this.#nameOf = nameOf;
    this.#print = print;
  }

  /** Takes the next event, in the order the runner sends them. */
  add({ type, data }: TestEvent): void {
    const test = data as TestData | undefined;
    if (test?.file === undefined) return;
    const file = this.#nameOf(test.file);
    if (type === 'test:pass' || type === 'test:fail') this.#addResult(file, test, type === 'test:pass');
    if (type === 'test:stdout' || type === 'test:stderr') this.#stateOf(file).output += test.message ?? '';
    if (type === 'test:summary') this.#endFile(file, test.duration_ms ?? 0);
  }

  /** Prints what took longest and returns the counts. Called once, after the last event. */
  end(): Outcome {
    const files = [...this.#files.entries()];
    // The runner has no summary for a file that died before it could report.
    for (const [file, { failures }] of files) {
      if (!this.#durations.some((ended) => ended.file === file) && failures.length > 0) this.#endFile(file, 0);
    }
    this.#printSlowest();
    return {
      passed: files.reduce((total, [, { passed }]) => total + passed, 0),
      failures: files.flatMap(([, { failures }]) => failures),
      skips: this.#skips,
      notices: [],
    };
  }

  #stateOf(file: string): FileState {
    const state = this.#files.get(file) ?? { passed: 0, skipped: 0, output: '', failures: [] };
    this.#files.set(file, state);
    return state;
  }

  #addResult(file: string, test: TestData, passed: boolean): void {
    if (isSet(test.skip) || isSet(test.todo)) this.#addSkip(file, test);
    else if (!passed) this.#addFailure(file, test, describeError(test.details?.error));
    // The runner reports a file by its own name when there is nothing else to report.
    else if (this.#isFile(file, test)) this.#addFailure(file, test, 'holds no test');
    else if (test.details?.type !== 'suite') this.#stateOf(file).passed += 1;
  }

  #addSkip(file: string, test: TestData): void {
    const reason = [test.skip, test.todo].find((value) => typeof value === 'string') ?? '';
    this.#stateOf(file).skipped += 1;
    this.#skips.push({ name: `${file}: ${test.name}`, detail: String(reason) });
  }

  #addFailure(file: string, test: TestData, detail: string): void {
    // A parent fails because its children did: they are reported themselves.
    if (isSubtestsFailed(test.details?.error)) return;
    const name = this.#isFile(file, test) ? `${file} as a whole` : `${file}: ${test.name}`;
    this.#stateOf(file).failures.push({ name, detail });
  }

  #isFile(file: string, test: TestData): boolean {
    return this.#nameOf(test.name) === file;
  }

  #endFile(file: string, ms: number): void {
    const { passed, skipped, output, failures } = this.#stateOf(file);
    this.#durations.push({ file, ms });
    const counts = [
      `${passed} passed`,
      failures.length > 0 && `${failures.length} failed`,
      skipped > 0 && `${skipped} skipped`,
    ];
    const verdict = failures.length > 0 ? 'not ok ' : 'ok     ';
    this.#print(`${verdict} ${file} (${counts.filter(Boolean).join(', ')}; ${toSeconds(ms)})`);
    for (const { name, detail } of failures) this.#print(`\n    ✖ ${name}\n${indent(detail)}\n`);
    if (failures.length > 0 && output !== '') this.#print(`    its output:\n${indent(output)}\n`);
  }

  #printSlowest(): void {
    const slow = this.#durations.filter(({ ms }) => ms >= slowMs).sort((a, b) => b.ms - a.ms);
    if (slow.length === 0) return;
    this.#print('\nslowest files:');
    for (const { file, ms } of slow.slice(0, slowestCount)) this.#print(`  ${toSeconds(ms).padStart(8)}  ${file}`);
  }
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

function toSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
