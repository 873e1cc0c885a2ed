import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createStore } from '../src/roles/store.ts';
import { systemClock } from '../src/roles/system-clock.ts';
import { eventually } from '../test/e2e/support/eventually.ts';
import { ask, type HttpAnswer } from '../test/e2e/support/http.ts';
import type { HookTarget } from './hook-load.ts';
import type { Workplace } from './workplace.ts';

/** What the settings of an installation say besides what is the same in all. */
export interface InstallationOptions {
  readonly name: string;
  readonly configRepo: string;
  readonly pollInterval: string;
  readonly gateways: number;
  /** Further lines, in sections. */
  readonly more?: string;
}

/** A running daemon, as a user starts it. */
export interface Installation {
  readonly dir: string;
  readonly port: number;
  readonly pid: number;
  readonly hook: HookTarget;
  get(path: string, host?: string): Promise<HttpAnswer>;
  stop(): Promise<void>;
}

const SECRET = 'a secret of the bench';

/** Writes settings and store, starts `serve` and waits until it is ready. It ends with the bench. */
export async function startInstallation(at: Workplace, options: InstallationOptions): Promise<Installation> {
  const dir = join(at.dir, options.name);
  mkdirSync(join(dir, 'data'), { recursive: true });
  // Process apps run as users of their own, who have to get to their folders.
  for (const folder of [at.dir, dir]) chmodSync(folder, 0o755);
  const file = join(dir, 'mainspring.toml');
  writeFileSync(join(dir, 'hook-secret'), SECRET);
  writeFileSync(file, settingsText(options, dir));
  createStore(join(dir, 'data'), systemClock);
  const daemon = await serve(dir, file);
  at.atEnd(() => daemon.stop());
  return {
    dir,
    port: daemon.port,
    pid: daemon.pid,
    hook: { port: daemon.port, name: 'bench', secret: SECRET },
    get: (where, host = 'localhost') => ask({ port: daemon.port, path: where, host }),
    stop: () => daemon.stop(),
  };
}

/** The program as a checkout starts it. Its log goes to a file; what it says when it is ready tells the port. */
async function serve(dir: string, file: string) {
  const program = fileURLToPath(new URL('../bin/mainspring', import.meta.url));
  const [out, log] = [join(dir, 'serve.out'), join(dir, 'serve.log')];
  const descriptors = [openSync(out, 'w'), openSync(log, 'w')] as const;
  const env = { PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`, HOME: dir, LC_ALL: 'C.UTF-8' };
  const child = spawn(program, ['serve', '--config', file], { cwd: dir, env, stdio: ['ignore', ...descriptors] });
  for (const descriptor of descriptors) closeSync(descriptor);
  const ended = once(child, 'exit');
  const port = await eventually(() => /ready: listening on 127\.0\.0\.1:(\d+)/.exec(readFileSync(out, 'utf8'))?.[1], {
    what: () => `ready; it said ${readFileSync(log, 'utf8')}`,
  });
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  return { pid: child.pid ?? 0, port: Number(port), stop };
}

/** Waits until pages say what they should; gives the milliseconds. Asks every few milliseconds, as an impatient reader does. */
export async function untilSays(installation: Installation, path: string, text: string): Promise<number> {
  const began = performance.now();
  await eventually(
    async () => {
      const { status, body } = await installation.get(path);
      return status === 200 && body.includes(text) ? true : undefined;
    },
    { every: 3, within: 60_000, what: `"${text}" at ${path}` },
  );
  return performance.now() - began;
}

function settingsText({ configRepo, pollInterval, gateways, more = '' }: InstallationOptions, dir: string): string {
  return `config_repo = ${JSON.stringify(configRepo)}
domain = "localhost"
listen = "127.0.0.1:0"
data_dir = "./data"
poll_interval = "${pollInterval}"
[engines]
process = "prod"
on_exit = "stop"
[gateway]
processes = ${gateways}
[hooks.bench]
secret_file = ${JSON.stringify(join(dir, 'hook-secret'))}
${more}`;
}
