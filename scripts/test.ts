// Everything: `npm test`. With paths (`npm test -- src/gateway`), only the test files there; without some of them:
// `npm test -- --without test/specs`.
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildProgram } from './suite/build-program.ts';
import { checkWasm } from './suite/check-wasm.ts';
import { bringEngines, noEngines } from './suite/engines/engines.ts';
import { isNeeded } from './suite/engines/needs.ts';
import { isolateEnvironment, shareCompiledCode } from './suite/environment.ts';
import { findTests, isBelow } from './suite/find-tests.ts';
import { keepInMemory } from './suite/memory.ts';
import { exitCodeOf, nothing, type Outcome, renderEnd, sum } from './suite/outcome.ts';
import { runCheck, staticChecks } from './suite/run-check.ts';
import { runTests } from './suite/run-tests.ts';
import { stopSignal } from './suite/stop-signal.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const options = { without: { type: 'string', multiple: true } } as const;
const { positionals: paths, values } = parseArgs({ options, allowPositionals: true });

// What needs nothing first, while the machine waits for packages and engines; then the longest, so that no core waits at the end.
const needNothing = ['scripts', 'starlark-wasm', 'src'];
const everything = [
  ...needNothing,
  'test/specs',
  'test/simulation',
  'test/integration/supervisor.test.ts',
  'test/contract',
  'test/integration/gateway',
  'test/e2e',
  'test',
  'bench',
];

async function runChecks(): Promise<Outcome[]> {
  if (paths.length > 0) return [];
  const checks = await Promise.all(staticChecks.map((check) => runCheck(check, root)));
  return [...checks, await checkWasm(root)];
}

isolateEnvironment(process.env);
shareCompiledCode(process.env, root);
keepInMemory(process.env);
const { stop, signal } = stopSignal();
const files = findTests(root, paths.length === 0 ? everything : paths, values.without ?? []);
const needsEngines = isNeeded(root, 'test/support/containers', files);
const needsProgram = isNeeded(root, 'test/e2e/support', files);
const bringing = needsEngines ? bringEngines(process.env) : Promise.resolve(noEngines);
const building = needsProgram ? buildProgram(root, process.env) : Promise.resolve(nothing);
const before = async (file: string) => !isBelow(needNothing, file) && Promise.all([bringing, building]);
const outcomes: Outcome[] = [];
try {
  const [checks, built, tests] = await Promise.all([runChecks(), building, runTests(root, files, { stop, before })]);
  outcomes.push(...checks, built, tests);
} finally {
  const engines = await bringing;
  outcomes.push(engines.outcome, await engines.end());
}
const outcome = sum(outcomes);
console.log(renderEnd(outcome));
const received = signal();
process.exitCode =
  received === undefined ? exitCodeOf(outcome, { isCi: process.env.CI === 'true' }) : 128 + constants.signals[received];
