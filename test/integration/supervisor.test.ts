import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { freePort } from '../support/free-port.ts';
import { createRoutes, eventually, rawExchange } from './gateway/testbed.ts';
import type { ProgramPlan } from './supervisor-program.ts';

const PROGRAM = join(import.meta.dirname, 'supervisor-program.ts');

test('supervisor, controller and gateways come up, serve, and end in order with code 0', async (t) => {
  const bed = makeBed(t);
  const run = await bed.serve();
  assert.equal(await bed.get(run.port), 'hello');
  assert.equal(bed.gateways().length, 2);
  run.child.kill('SIGTERM');
  assert.deepEqual(await run.exit, [0, null]);
  // A gateway lets go of its supervisor a moment before it has ended.
  await eventually(() => bed.gateways().length === 0, 'no gateway is left', 10_000);
  assert.equal(isAlive(bed.controller()), false);
  await assert.rejects(bed.get(run.port));
});

test('several addresses, IPv6 among them, are served by every gateway', async (t) => {
  const bed = makeBed(t);
  const run = await bed.serve({
    listen: [
      { host: '127.0.0.1', port: 0 },
      { host: '::1', port: 0 },
    ],
  });
  assert.deepEqual(
    run.listen.map(({ host }) => host),
    ['127.0.0.1', '::1'],
  );
  for (const { host, port } of run.listen) assert.match(await request(port, host), /hello/);
});

test('a killed gateway is replaced and refuses nobody', async (t) => {
  const bed = makeBed(t);
  const run = await bed.serve();
  const load = bed.load(run.port);
  for (let round = 0; round < 3; round += 1) {
    const before = bed.gateways();
    process.kill(before[0] ?? 0, 'SIGKILL');
    await eventually(
      () => bed.gateways().length === 2 && !bed.gateways().includes(before[0] ?? 0),
      'a new gateway is there',
    );
  }
  const { refused, answered } = await load.end();
  assert.equal(refused, 0);
  assert.ok(answered > 20);
});

test('a killed controller is started again while the gateways serve on', async (t) => {
  const bed = makeBed(t);
  const run = await bed.serve();
  const load = bed.load(run.port);
  const first = bed.controller();
  process.kill(first, 'SIGKILL');
  await eventually(() => bed.controller() !== first && isAlive(bed.controller()), 'another controller');
  assert.deepEqual({ ...(await load.end()), answered: 0 }, { refused: 0, failed: 0, answered: 0 });
});

test('when the supervisor is killed the gateways serve on and the controller ends; the next one takes over without a refusal', async (t) => {
  const bed = makeBed(t);
  const first = await bed.serve();
  const gateways = bed.gateways();
  const load = bed.load(first.port);
  for (let round = 0; round < 3; round += 1) {
    const run = round === 0 ? first : await bed.serve({ listen: [{ host: '127.0.0.1', port: first.port }] });
    const controller = bed.controller();
    run.child.kill('SIGKILL');
    await run.exit;
    await eventually(() => !isAlive(controller), 'the controller ends by itself');
    assert.deepEqual(bed.gateways(), gateways);
  }
  const last = await bed.serve({ listen: [{ host: '127.0.0.1', port: first.port }] });
  assert.deepEqual(bed.gateways(), gateways);
  process.kill(gateways[0] ?? 0, 'SIGKILL');
  await eventually(
    () => bed.gateways().length === 2 && !bed.gateways().includes(gateways[0] ?? 0),
    'a successor of the other one',
  );
  assert.equal((await load.end()).refused, 0);
  last.child.kill('SIGTERM');
  assert.deepEqual(await last.exit, [0, null]);
  // A gateway lets go of its supervisor a moment before it has ended.
  await eventually(() => bed.gateways().length === 0, 'no gateway is left', 10_000);
});

test('another program version replaces the gateways that were left, without a failed request', async (t) => {
  const bed = makeBed(t);
  const first = await bed.serve();
  const old = bed.gateways();
  first.child.kill('SIGKILL');
  await first.exit;
  const load = bed.load(first.port);
  await bed.serve({ listen: [{ host: '127.0.0.1', port: first.port }], program: 'v2' });
  await eventually(() => bed.gateways().length === 2 && old.every((pid) => !isAlive(pid)), 'all are replaced');
  assert.deepEqual({ ...(await load.end()), answered: 0 }, { refused: 0, failed: 0, answered: 0 });
});

test('SIGHUP reaches the controller, and gateways of another configuration are replaced without a failed request', async (t) => {
  const bed = makeBed(t);
  const run = await bed.serve();
  const old = bed.gateways();
  const load = bed.load(run.port);
  run.child.kill('SIGHUP');
  await eventually(() => bed.gateways().length === 2 && old.every((pid) => !isAlive(pid)), 'all are replaced');
  assert.equal(readFileSync(join(bed.dir, 'reloads'), 'utf8'), 'reload\n');
  assert.deepEqual({ ...(await load.end()), answered: 0 }, { refused: 0, failed: 0, answered: 0 });
});

test('a gateway that hangs is killed and replaced, and who connects meanwhile is served by the others', async (t) => {
  const bed = makeBed(t);
  const run = await bed.serve();
  const [hung = 0] = bed.gateways();
  process.kill(hung, 'SIGSTOP');
  // All accept from one queue, so what a gateway has not accepted is not lost to it.
  const load = bed.load(run.port);
  await eventually(() => !isAlive(hung) && bed.gateways().length === 2, 'it is replaced', 15_000);
  const { refused, failed, answered } = await load.end();
  assert.deepEqual({ refused, failed }, { refused: 0, failed: 0 });
  assert.ok(answered > 20);
});

test('whatever is killed at once, it converges to one supervisor, one controller and two gateways', async (t) => {
  const bed = makeBed(t);
  let run = await bed.serve();
  const listen = [{ host: '127.0.0.1', port: run.port }];
  for (const mixture of ['s c', 's g0', 'c g0', 'g0 g1', 's c g1', 's g0 g1', 'c g0 g1', 's c']) {
    const [g0 = 0, g1 = 0] = bed.gateways();
    const pids: Record<string, number> = { s: run.child.pid ?? 0, c: bed.controller(), g0, g1 };
    const killed = mixture.split(' ').map((name) => pids[name] ?? 0);
    for (const pid of killed) process.kill(pid, 'SIGKILL');
    if (mixture.startsWith('s')) {
      await run.exit;
      run = await bed.serve({ listen });
    }
    const isWhole = () =>
      bed.gateways().length === 2 &&
      // The dying count for a moment still.
      !bed.gateways().some((pid) => killed.includes(pid)) &&
      isAlive(bed.controller()) &&
      (!mixture.includes('c') || bed.controller() !== pids.c);
    await eventually(isWhole, `all is there again after ${mixture}`, 15_000);
    assert.equal(await bed.get(run.port), 'hello');
  }
});

test('everything killed at once comes back with the next start', async (t) => {
  const bed = makeBed(t);
  const first = await bed.serve();
  for (const pid of [first.child.pid ?? 0, bed.controller(), ...bed.gateways()]) process.kill(pid, 'SIGKILL');
  await first.exit;
  const again = await bed.serve({ listen: [{ host: '127.0.0.1', port: first.port }] });
  assert.equal(await bed.get(again.port), 'hello');
});

test('a second serve on the same data folder is refused with the pid of the first', async (t) => {
  const bed = makeBed(t);
  const first = await bed.serve();
  const second = bed.start({});
  const [code] = await second.exit;
  assert.notEqual(code, 0);
  assert.match(second.output(), new RegExp(`process ${first.child.pid} already serves`));
  assert.equal(await bed.get(first.port), 'hello');
});

test('an address that another program has is said, and nothing is left running', async (t) => {
  const bed = makeBed(t);
  const other = createServer().listen(0, '127.0.0.1');
  t.after(() => other.close());
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const run = bed.start({ listen: [{ host: '127.0.0.1', port }] });
  const [code] = await run.exit;
  assert.notEqual(code, 0);
  assert.match(run.output(), /listen-failed/);
  // A gateway lets go of its supervisor a moment before it has ended.
  await eventually(() => bed.gateways().length === 0, 'no gateway is left', 10_000);
});

test('a controller that cannot run ends the start with its code', async (t) => {
  const bed = makeBed(t);
  const run = bed.start({ controllerExit: 64 });
  assert.deepEqual(await run.exit, [64, null]);
  // A gateway lets go of its supervisor a moment before it has ended.
  await eventually(() => bed.gateways().length === 0, 'no gateway is left', 10_000);
});

test('a start whose controller cannot run leaves the gateways serving that it found', async (t) => {
  const bed = makeBed(t);
  const first = await bed.serve();
  const listen = [{ host: '127.0.0.1', port: first.port }];
  process.kill(first.child.pid ?? 0, 'SIGKILL');
  await first.exit;
  const run = bed.start({ listen, controllerExit: 64 });
  assert.deepEqual(await run.exit, [64, null]);
  assert.equal(await bed.get(first.port), 'hello');
  assert.equal(await bed.get((await bed.serve({ listen })).port), 'hello');
});

test('a controller that crashes again and again does not stop the gateways, and it is said', async (t) => {
  const bed = makeBed(t);
  const port = await freePort();
  const run = bed.start({ controllerExit: 1, listen: [{ host: '127.0.0.1', port }] });
  await eventually(() => run.output().includes('the controller keeps ending'), 'it is said', 15_000);
  assert.equal(await bed.get(port), 'hello');
});

test('a socket from the service manager is served, and survives the restart of everything without a refusal', async (t) => {
  const bed = makeBed(t);
  const port = await freePort();
  // Holds the socket as systemd does: listening already, LISTEN_PID set by the shell that becomes the program.
  const script = `
import socket, os, subprocess, sys
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(('127.0.0.1', ${port})); s.listen(1024)
for round in range(2):
    def fix(): os.dup2(s.fileno(), 3); os.set_inheritable(3, True); os.environ['LISTEN_PID'] = str(os.getpid())
    p = subprocess.Popen(['sh', '-c', 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@"'] + sys.argv[1:], preexec_fn=fix, close_fds=False)
    print('started', p.pid, flush=True); sys.stdin.readline(); p.terminate(); p.wait()
`;
  const run = bed.start({}, (command, args, options) =>
    spawn('python3', ['-c', script, command, ...args], { ...options, stdio: ['pipe', 'pipe', 'pipe'] }),
  );
  await eventually(() => run.output().includes('"ready"'), 'it is ready', 15_000);
  const load = bed.load(port);
  run.child.stdin?.write('\n');
  await eventually(() => run.output().split('"ready"').length === 3, 'it is ready again', 20_000);
  assert.deepEqual({ ...(await load.end()), answered: 0 }, { refused: 0, failed: 0, answered: 0 });
  run.child.stdin?.end('\n');
  await run.exit;
});

interface Run {
  readonly child: ChildProcess;
  readonly exit: Promise<unknown[]>;
  output(): string;
}

function makeBed(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'supervisor-'));
  const root = join(dir, 'tree');
  mkdirSync(root);
  writeFileSync(join(root, 'index.html'), 'hello');
  const database = createRoutes(join(dir, 'mainspring.db'));
  const serve = {
    instance: 'i-1',
    target: { kind: 'static', root, index: 'index.html', fallback: null },
    stripPath: true,
    noindex: false,
  };
  database
    .prepare('INSERT INTO routes (host, path, generation, env, app, serve) VALUES (?, ?, ?, ?, ?, ?)')
    .run('a', '/', 1, 'prod', '/', JSON.stringify(serve));
  database.close();
  const runs: Run[] = [];
  const start = (
    overrides: Partial<ProgramPlan>,
    spawnIt: (command: string, args: string[], options: object) => ChildProcess = spawn,
  ): Run => {
    const plan: ProgramPlan = {
      dir,
      listen: [{ host: '127.0.0.1', port: 0 }],
      program: 'v1',
      processes: 2,
      ...overrides,
    };
    const child = spawnIt(process.execPath, [PROGRAM, 'supervisor'], {
      env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE, PLAN: JSON.stringify(plan) },
    });
    let text = '';
    child.stdout?.on('data', (data) => (text += String(data)));
    child.stderr?.on('data', (data) => (text += String(data)));
    const run: Run = { child, exit: once(child, 'exit'), output: () => text };
    runs.push(run);
    return run;
  };
  const gateways = () => listGateways(dir);
  const controller = () => Number(readFileSync(join(dir, 'controller.pid'), 'utf8'));
  t.after(async () => {
    for (const { child } of runs) child.kill('SIGKILL');
    await Promise.all(
      runs.map(({ child, exit }) => (child.exitCode === null && child.signalCode === null ? exit : undefined)),
    );
    // A gateway may have been on its way when its supervisor ended.
    await eventually(() => {
      for (const pid of gateways()) tryKill(pid);
      return gateways().length === 0;
    }, 'all gateways are gone');
    rmSync(dir, { recursive: true, force: true });
  });
  return {
    dir,
    start,
    gateways,
    controller,
    get: async (port: number) => (await request(port)).split('\r\n\r\n')[1] ?? '',
    load: (port: number) => startLoad(port),
    serve: async (overrides: Partial<ProgramPlan> = {}) => {
      const run = start(overrides);
      await eventually(() => run.output().includes('"ready"') || run.child.exitCode !== null, 'it is ready', 20_000);
      const line = run
        .output()
        .split('\n')
        .find((text) => text.startsWith('{"ready"'));
      assert.ok(line !== undefined, run.output());
      const { ready } = JSON.parse(line) as { ready: ProgramPlan['listen'] };
      return { ...run, listen: ready, port: ready[0]?.port ?? 0 };
    },
  };
}

function listGateways(dir: string): number[] {
  const folder = join(dir, 'run/gateways');
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return names.map((name) => Number.parseInt(name, 10)).filter(isAlive);
}

async function request(port: number, host = '127.0.0.1'): Promise<string> {
  if (host === '127.0.0.1') {
    const text = await rawExchange(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    if (text === '') throw new Error('no answer');
    return text;
  }
  const socket = connect(port, host);
  socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}

/** One-shot connections, eight at a time, until told to end. Refused is what found nobody listening, failed what broke off. */
function startLoad(port: number) {
  const count = { refused: 0, failed: 0, answered: 0 };
  let isOn = true;
  const one = () =>
    new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      let text = '';
      let isRefused = false;
      socket.on('data', (data) => (text += String(data)));
      socket.on('error', (error: NodeJS.ErrnoException) => (isRefused = error.code === 'ECONNREFUSED'));
      socket.on('close', () => {
        if (isRefused) count.refused += 1;
        else if (text.includes('hello')) count.answered += 1;
        else count.failed += 1;
        setTimeout(resolve, 2);
      });
      socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    });
  const lanes = Array.from({ length: 8 }, async () => {
    while (isOn) await one();
  });
  return {
    end: async () => {
      isOn = false;
      await Promise.all(lanes);
      return count;
    },
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}
