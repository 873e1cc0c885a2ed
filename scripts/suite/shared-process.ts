// Runs test files in this one process, one after the other, and tells whoever started it what they came to: see run-tests.ts.
import { relative } from 'node:path';
import { run } from 'node:test';
import { FileReport } from './file-report.ts';
import { sum } from './outcome.ts';

const [folder = '', ...paths] = process.argv.slice(2);
const reports = new Map(paths.map((path) => [path, new FileReport(relative('', path), path)]));
// Of tests that a file takes from a module that is no test file.
const others = new FileReport(folder, folder);
for await (const event of run({ files: paths, isolation: 'none' })) {
  const { file } = event.data as { readonly file?: string };
  (reports.get(file ?? '') ?? others).add(event);
}
process.send?.(sum([...reports.values(), others].map((report) => report.outcome())));
process.disconnect?.();
