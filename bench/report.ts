/** One figure, with its goal where it has one. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it must not exceed, or with `atLeast` not fall below, or with `exactly` be. */
  readonly goal?: { readonly atMost: number } | { readonly atLeast: number } | { readonly exactly: number };
  readonly note?: string;
}

/** What a part of the bench found. */
export interface Report {
  readonly part: string;
  readonly title: string;
  readonly figures: readonly Figure[];
}

/** Whether a figure is as good as it has to be; undefined where nothing is asked of it. */
export function isMet({ value, goal }: Figure): boolean | undefined {
  if (goal === undefined) return undefined;
  if ('exactly' in goal) return value === goal.exactly;
  return 'atMost' in goal ? value <= goal.atMost : value >= goal.atLeast;
}

/** A report to be read. */
export function renderReport({ title, figures }: Report): string {
  const width = Math.max(...figures.map(({ name }) => name.length));
  const lines = figures.map((figure) => {
    const value = `${format(figure.value)} ${figure.unit}`.padStart(14);
    return `  ${figure.name.padEnd(width)} ${value}${goalOf(figure)}${figure.note === undefined ? '' : `   ${figure.note}`}`;
  });
  return [title, ...lines, ''].join('\n');
}

/** Prints a report for people, or with `--json` in one line for programs. A missed goal makes the process fail. */
export function printReport(report: Report): void {
  console.log(process.argv.includes('--json') ? JSON.stringify(report) : renderReport(report));
  if (report.figures.some((figure) => isMet(figure) === false)) process.exitCode = 1;
}

/** The middle of some numbers; of an even count the lower one. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value that this share of the numbers does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

function goalOf(figure: Figure): string {
  const { goal } = figure;
  if (goal === undefined) return '';
  const [[how, value] = []] = Object.entries(goal);
  const text = `${{ atMost: 'at most', atLeast: 'at least', exactly: 'exactly' }[how ?? '']} ${value}`;
  return `   ${isMet(figure) ? 'met   ' : 'MISSED'} (${text})`;
}

function format(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 2 : 1);
}
