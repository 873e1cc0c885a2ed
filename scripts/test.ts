// Everything: `npm test`. With paths (`npm test -- src/gateway`), only the test files there.
import { fileURLToPath } from 'node:url';
import { checkWasm } from './suite/check-wasm.ts';
import { isolateEnvironment } from './suite/environment.ts';
import { findTests } from './suite/find-tests.ts';
import { exitCodeOf, type Outcome, renderEnd, sum } from './suite/outcome.ts';
import { runCheck, staticChecks } from './suite/run-check.ts';
import { runTests } from './suite/run-tests.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const paths = process.argv.slice(2);

// The longest first, so that no core waits at the end.
const everything = ['test', 'scripts', 'starlark-wasm', 'src', 'bench'];

async function runChecks(): Promise<Outcome[]> {
  const checks = await Promise.all(staticChecks.map((check) => runCheck(check, root)));
  return [...checks, await checkWasm(root)];
}

isolateEnvironment(process.env);
const outcome = sum([
  ...(paths.length === 0 ? await runChecks() : []),
  await runTests(root, findTests(root, paths.length === 0 ? everything : paths)),
]);
console.log(renderEnd(outcome));
process.exitCode = exitCodeOf(outcome, { isCi: process.env.CI === 'true' });
