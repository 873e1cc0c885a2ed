import assert from 'node:assert/strict';
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync, readlinkSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { execa } from 'execa';
import { root } from '../imports.ts';
import { tempDir } from '../support/git-repo.ts';

const command = join(root, 'bin/mainspring');
const PATIENCE_MS = 120_000;

/** Where a demo may leave things, and what it sees: a machine whose git knows nobody, no home, nothing set. */
async function place(t: TestContext) {
  const dir = await tempDir(t, 'mainspring-e2e-');
  // Apps of a root's demo run as other users and have to get in.
  chmodSync(dir, 0o755);
  const env = {
    PATH: process.env.PATH ?? '/usr/bin:/bin',
    TMPDIR: dir,
    MAINSPRING_INTERNAL_DEMO_FOLDER: join(dir, 'demo'),
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    EMAIL: '',
  };
  return { dir, env };
}

/** The processes that name a folder in their arguments or work in it. */
async function processesIn(dir: string): Promise<string[]> {
  const { stdout } = await execa('ps', ['-A', '-o', 'pid=,stat=,args=']);
  const rows = stdout.split('\n').map((row) => row.trim());
  return rows.filter((row) => !/^\d+\s+Z/.test(row) && (row.includes(dir) || worksIn(row.split(/\s+/)[0] ?? '', dir)));
}

function worksIn(pid: string, dir: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`).startsWith(dir);
  } catch {
    return false;
  }
}

async function until<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (const end = performance.now() + PATIENCE_MS; performance.now() < end; ) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`waited in vain for ${what}`);
}

function ask(url: string): Promise<string> {
  const { port, host, pathname } = new URL(url);
  return new Promise((resolve, reject) => {
    // By address: not every resolver knows *.localhost.
    get({ host: '127.0.0.1', port, path: pathname, headers: { host }, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve(body)).on('error', reject);
    }).on('error', reject);
  });
}

/** Demos that run. When the runner gives up on this file, they are asked to end too, and clear up by themselves. */
const running = new Set<ChildProcess>();
process.once('SIGTERM', () => {
  for (const child of running) child.kill('SIGTERM');
  process.exit(1);
});

function startDemo(args: readonly string[], options: Pick<SpawnOptions, 'env' | 'stdio'>): ChildProcess {
  const child = spawn(command, ['demo', ...args], options);
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** A demo as a person has it in a terminal. */
class RunningDemo {
  readonly child: ChildProcess;
  readonly #exit: Promise<unknown[]>;
  text = '';

  constructor(t: TestContext, env: Record<string, string>) {
    this.child = startDemo([], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#exit = once(this.child, 'exit');
    for (const out of [this.child.stdout, this.child.stderr]) {
      out?.setEncoding('utf8').on('data', (chunk: string) => {
        this.text += chunk;
      });
    }
    t.after(() => this.end('SIGTERM'));
  }

  /** Waits until it has said something. */
  says(pattern: RegExp): Promise<RegExpExecArray> {
    return until(`${pattern} in the demo's output`, () => {
      const found = pattern.exec(this.text);
      if (found === null && this.child.exitCode !== null) throw new Error(`the demo has ended:\n${this.text}`);
      return found ?? undefined;
    });
  }

  /** The commands below a numbered title of the tour, as they would be pasted. */
  commandsOf(step: number): string {
    const block = new RegExp(`^${step}\\. .*\\n((?: {5}.*\\n)+)`, 'm').exec(this.text)?.[1];
    assert.ok(block, `step ${step} is not in:\n${this.text}`);
    return block;
  }

  async end(signal: NodeJS.Signals): Promise<unknown> {
    this.child.kill(signal);
    const [code] = await this.#exit;
    return code;
  }
}

test('demo --auto plays its story, says how long each step took, and leaves nothing behind', async (t) => {
  const { dir, env } = await place(t);
  const { exitCode, stdout, stderr } = await execa(command, ['demo', '--auto'], {
    env,
    extendEnv: false,
    reject: false,
    timeout: PATIENCE_MS,
  });
  assert.equal(exitCode, 0, stdout + stderr);
  assert.equal(stderr, '');
  const done = [...stdout.matchAll(/^done {2}(\d)\. (.+)\n +(.+)$/gm)].map(([, , title, told]) => ({ title, told }));
  assert.equal(done.length, 9, stdout);
  for (const { title, told } of done.slice(0, 8)) assert.match(told ?? '', /^\d+ ms from/, title);
  assert.match(stdout, /both apps, changed: http:\/\/try\.env\.localhost:\d+\/ /);
  assert.match(stdout, /switched as one, and nothing was built/);
  assert.match(stdout, /error\[config-invalid\] apps\.star:\d+: .*"statik"\n +hint: Did you mean "static"\?/);
  assert.match(stdout, /all went as it should; [\d.]+ s in all$/);
  assert.deepEqual(readdirSync(dir), []);
  assert.deepEqual(await processesIn(dir), []);
});

test('demo --auto that is interrupted fails and leaves nothing behind', async (t) => {
  const { dir, env } = await place(t);
  const child = startDemo(['--auto'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    // In the midst of it: the daemon and the apps run.
    if (!text.includes('2. ') && chunk.includes('2. ')) child.kill('SIGINT');
    text += chunk;
  });
  assert.deepEqual(await exit, [1, null]);
  assert.doesNotMatch(text, /all went as it should/);
  assert.deepEqual(readdirSync(dir), []);
  assert.deepEqual(await processesIn(dir), []);
});

test('what the demo says to try works when it is pasted, is told as it happens, and is there again the next time', async (t) => {
  const { dir, env } = await place(t);
  const paste = (commands: string, cwd: string) => execa('sh', ['-e', '-c', commands], { cwd, env, extendEnv: false });
  const demo = new RunningDemo(t, env);
  await demo.says(/What happens/);
  assert.match(demo.text, /^ready after [\d.]+ s: [0-9a-f]{8} is live \(2 apps\)$/m);
  const url = /http:\/\/localhost:\d+/.exec(demo.text)?.[0] ?? '';
  assert.match(await ask(`${url}/hello`), /Hello/);

  await paste(demo.commandsOf(1), dir);
  await until('the pushed page', async () => (await ask(`${url}/`)).includes('Hello from git!') || undefined);
  await demo.says(
    /commit [0-9a-f]{8} "Say hello" accepted\n\S+ {2}\/ is live in stage, .*\n\S+ {2}\/ is live, \d+ ms after/,
  );

  const work = join(dir, 'demo/config');
  const previewUrl = /http:\/\/try\.env\.localhost:\d+/.exec(demo.text)?.[0] ?? '';
  assert.doesNotMatch(await ask(`${previewUrl}/`), /Hello from git!/);
  await paste(demo.commandsOf(2), work);
  await until('the preview', async () => (await ask(`${previewUrl}/`)).includes('Only a try') || undefined);
  await demo.says(
    /preview try of branch try, commit [0-9a-f]{8} "Try something", is being made\n\S+ {2}\/ is live in try, .*: http/,
  );
  assert.doesNotMatch(await ask(`${url}/`), /Only a try/);

  await paste(demo.commandsOf(3), work);
  await until('the merged page', async () => (await ask(`${url}/`)).includes('Only a try') || undefined);
  await demo.says(/preview try is over: nothing on branch "try" differs/);
  await paste(demo.commandsOf(4), work);
  await until('the page before', async () => !(await ask(`${url}/`)).includes('Only a try') || undefined);
  await paste(demo.commandsOf(5), work);
  await demo.says(/preview try is gone, with all that it had/);

  const [push = '', see = ''] = demo.commandsOf(6).split(/^(?=.* status )/m);
  await paste(push, work);
  await demo.says(
    /"Add the docs" rejected.*\n +error\[config-invalid\] apps\.star:14: .*"statik".*\n +hint: Did you mean "static"\?/,
  );
  assert.match((await paste(see, work)).stdout, /rejected; [0-9a-f]{8} goes on/);
  assert.match(await ask(`${url}/`), /Hello from git!/);

  await paste(demo.commandsOf(7), work);
  await demo.says(/"Revert "Add the docs"" accepted\n +nothing had to change/);
  const { stdout: log } = await paste(demo.commandsOf(8), work);
  assert.match(log, /config\.rejected/);
  assert.match(log, /deployment\.live {2}prod \/hello/);
  assert.match(log, /\/ in prod {2}http.*\n {2}Revision [0-9a-f]{8} is live in prod since/);

  const second = await execa(command, ['demo'], { env, extendEnv: false, reject: false });
  assert.equal(second.exitCode, 1);
  assert.ok(
    second.stderr.includes(`another one runs in "${join(dir, 'demo')}" at ${url}/ (process ${demo.child.pid})`),
  );

  assert.equal(await demo.end('SIGINT'), 0, demo.text);
  assert.deepEqual(await processesIn(dir), []);
  assert.deepEqual(readdirSync(dir), ['demo']);

  const again = new RunningDemo(t, env);
  await again.says(/What happens/);
  assert.match(await ask(`${/http:\/\/localhost:\d+/.exec(again.text)?.[0]}/`), /Hello from git!/);
  assert.equal(await again.end('SIGTERM'), 0, again.text);
  assert.deepEqual(await processesIn(dir), []);
  assert.equal(existsSync(join(dir, 'demo/running.json')), false);
});
