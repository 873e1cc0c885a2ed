/** Something a person should read about: a failure whole, or why something did not run. */
export interface Finding {
  readonly name: string;
  readonly detail: string;
}

/** What a part of the suite came to. Notices are shown and count for nothing. */
export interface Outcome {
  readonly passed: number;
  readonly failures: readonly Finding[];
  readonly skips: readonly Finding[];
  readonly notices: readonly string[];
}

/** The outcome of nothing, to build others from. */
export const nothing: Outcome = { passed: 0, failures: [], skips: [], notices: [] };

/** All outcomes as one. */
export function sum(outcomes: readonly Outcome[]): Outcome {
  return {
    passed: outcomes.reduce((total, { passed }) => total + passed, 0),
    failures: outcomes.flatMap(({ failures }) => failures),
    skips: outcomes.flatMap(({ skips }) => skips),
    notices: outcomes.flatMap(({ notices }) => notices),
  };
}

/**
 * The end of a run, for a person and a machine: what failed or was skipped and why, then the counts alone on the last
 * line.
 */
export function renderEnd({ passed, failures, skips, notices }: Outcome): string {
  const lines = [
    ...notices.map((notice) => `NOTICE  ${notice}`),
    ...skips.map(({ name, detail }) => `SKIPPED ${name}${detail === '' ? '' : `: ${detail}`}`),
    ...failures.map(({ name, detail }) => `FAILED  ${name}: ${firstLine(detail)}`),
  ];
  return ['', ...lines, `${passed} passed, ${failures.length} failed, ${skips.length} skipped`].join('\n');
}

/** The exit code of a run. Where nobody looks (CI), a skipped test would be a test that is gone. */
export function exitCodeOf({ passed, failures, skips }: Outcome, { isCi }: { readonly isCi: boolean }): 0 | 1 {
  return passed === 0 || failures.length > 0 || (isCi && skips.length > 0) ? 1 : 0;
}

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0] ?? '';
}
