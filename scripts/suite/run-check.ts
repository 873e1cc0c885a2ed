import { execa } from 'execa';
import { nothing, type Outcome } from './outcome.ts';

/** A program that is silent or at least successful when all is well. */
export interface Check {
  readonly name: string;
  readonly script: string;
  readonly args: readonly string[];
}

/** The checks that read the sources and run nothing. */
export const staticChecks: readonly Check[] = [
  { name: 'types', script: 'node_modules/typescript/bin/tsc', args: ['-p', 'tsconfig.json'] },
  { name: 'lint', script: 'node_modules/@biomejs/biome/bin/biome', args: ['check', '--error-on-warnings', '.'] },
  { name: 'unused code', script: 'node_modules/knip/bin/knip.js', args: ['--no-progress'] },
];

/** Runs a check; prints what it said only if it failed. Counts as one test. */
export async function runCheck({ name, script, args }: Check, root: string): Promise<Outcome> {
  const startedMs = performance.now();
  const result = await execa(process.execPath, [script, ...args], { all: true, cwd: root, reject: false });
  const took = `${((performance.now() - startedMs) / 1000).toFixed(1)} s`;
  if (!result.failed) {
    console.log(`ok      ${name} (${took})`);
    return { ...nothing, passed: 1 };
  }
  console.log(`not ok  ${name} (${took})\n${result.all}\n`);
  return { ...nothing, failures: [{ name, detail: `${script} ${args.join(' ')} found something, see above` }] };
}
