// What to run before each commit: `npm run check`. Types, lint and the tests that need no other program, side by side.
import { fileURLToPath } from 'node:url';
import { isolateEnvironment, shareCompiledCode } from './suite/environment.ts';
import { findTests } from './suite/find-tests.ts';
import { exitCodeOf, renderEnd, sum } from './suite/outcome.ts';
import { runCheck, staticChecks } from './suite/run-check.ts';
import { runTests } from './suite/run-tests.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const unitTests = ['starlark-wasm', 'src', 'scripts', 'test/architecture.test.ts', 'test/dependencies.test.ts'];

isolateEnvironment(process.env);
shareCompiledCode(process.env, root);
const checks = await Promise.all(staticChecks.map((check) => runCheck(check, root)));
const outcome = sum([...checks, await runTests(root, findTests(root, unitTests))]);
console.log(renderEnd(outcome));
process.exitCode = exitCodeOf(outcome, { isCi: process.env.CI === 'true' });
