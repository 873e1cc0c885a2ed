// What Mainspring costs, in parts that can be chosen: `npm run bench`, `npm run bench -- scale memory --json`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';

/** Each is a program of its own in `bench/`; docs/performance.md says what they measure. */
const parts = [
  'hostile',
  'latency',
  'wake',
  'memory',
  'gateway',
  'slow-senders',
  'corpus',
  'streams',
  'deploys',
  'kills',
  'upgrade',
  'container-wake',
  'container-deploys',
  'specs',
  'environments',
  'scale',
];

const asked = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const options = process.argv.slice(2).filter((argument) => argument.startsWith('--'));
const unknown = [...asked.filter((part) => !parts.includes(part)), ...options.filter((option) => option !== '--json')];

if (unknown.length > 0) {
  console.error(`bench: there is no ${unknown.join(', ')}; usage: npm run bench -- [${parts.join('|')} …] [--json]`);
  process.exitCode = 64;
} else {
  for (const part of parts.filter((name) => asked.length === 0 || asked.includes(name))) await run(part);
}

/** One after the other: they would measure each other. A goal that was missed, or a part that failed, makes all fail. */
async function run(part: string): Promise<void> {
  const [load = 0] = loadavg();
  if (load > 1)
    console.error(`bench: this machine is busy (load ${load.toFixed(1)}), which all figures of ${part} show`);
  const program = fileURLToPath(new URL(`../bench/${part}.ts`, import.meta.url));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, ...options], {
    stdio: 'inherit',
  });
  const pass = (signal: NodeJS.Signals) => void child.kill(signal);
  process.once('SIGTERM', pass).once('SIGINT', pass);
  const [code] = (await once(child, 'exit')) as [number | null];
  process.off('SIGTERM', pass).off('SIGINT', pass);
  if (code !== 0) process.exitCode = 1;
}
