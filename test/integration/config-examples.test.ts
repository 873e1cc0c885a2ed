import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkFolder } from '../support/check-folder.ts';

const examples = fileURLToPath(new URL('../../examples/', import.meta.url));

const expected: Readonly<Record<string, readonly string[]>> = {
  catalogue: ['/tools/sales', '/tools/stock', '/tools/forecast', 'site-handbook', 'site-brand', 'site-status'],
  quickstart: ['/', '/hello'],
  specs: [
    '/tools/go',
    '/tools/java-spring-boot',
    '/tools/js-hono',
    '/tools/node',
    '/tools/python-asgi',
    '/tools/python-fasthtml',
    '/tools/python-flask',
    '/tools/python-gradio',
    '/tools/python-nicegui',
    '/tools/python-reflex',
    '/tools/python-shiny',
    '/tools/python-streamlit',
    '/tools/python-wsgi',
  ],
  team: ['sales-dashboard', 'sales-forecast', 'reports.:/', 'wiki.example.com:/', '/docs'],
};

test('every example is checked here', () => {
  const folders = readdirSync(examples, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  assert.deepEqual(folders.map(({ name }) => name).sort(), Object.keys(expected));
});

for (const [name, ids] of Object.entries(expected)) {
  test(`the example "${name}" is right, whole, and in effect`, async () => {
    const { code, stdout } = await checkFolder(join(examples, name), { json: true });
    const { apps } = JSON.parse(stdout) as { apps: readonly { id: string; not_in_effect: readonly string[] }[] };
    assert.equal(code, 0);
    assert.deepEqual(
      apps.map(({ id }) => id),
      ids,
    );
    assert.deepEqual(
      apps.flatMap(({ not_in_effect }) => not_in_effect),
      [],
    );
  });
}

/** Starts the process app of the quickstart as its Procfile says; ends it with the test. */
async function startHello(t: TestContext, env: Readonly<Record<string, string>>) {
  const folder = join(examples, 'quickstart/hello');
  const command = /^web: (.+)$/m.exec(readFileSync(join(folder, 'Procfile'), 'utf8'))?.[1] ?? '';
  const [program = '', ...args] = command.split(' ');
  assert.equal(program, 'node');
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const url = `http://127.0.0.1:${/port (\d+)$/.exec(line)?.[1]}`;
  const get = async (path: string) => (await fetch(url + path, { headers: { connection: 'close' } })).text();
  return { child, get };
}

test('the process app of the quickstart answers, keeps its data over a restart, and ends when it is told to', async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'mainspring-hello-'));
  t.after(() => rmSync(data, { recursive: true, force: true }));
  const env = { APP_DATA: data, APP_ENV: 'prod', GREETING: 'Moin' };
  const first = await startHello(t, env);
  assert.equal(await first.get('/healthz'), 'ok\n');
  assert.equal(await first.get('/'), 'Moin from prod. Visits: 1.\n');
  const exited = once(first.child, 'exit');
  first.child.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null]);
  const second = await startHello(t, env);
  assert.equal(await second.get('/'), 'Moin from prod. Visits: 2.\n');
});
