import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LISTEN_FDS_VARIABLE } from '../../src/model/processes.ts';
import { gatewayConfig } from '../../src/roles/serve.ts';
import { loadSettings } from '../../src/settings/load.ts';
import { bindAddress } from '../../src/supervisor/bind.ts';
import { createRoutes } from '../../test/integration/gateway/testbed.ts';
import type { Workplace } from '../workplace.ts';
import { startChild, untilListening } from './children.ts';
import { type Backends, type Contender, HOST, PROXYING, SERVING } from './contender.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const ROLES = fileURLToPath(new URL('./roles.ts', import.meta.url));
const NODE = [process.execPath, '--disable-warning=ExperimentalWarning'];

/** The gateway as the supervisor starts it: processes that share one bound descriptor, default settings, a table of so many routes. */
export async function startOurs(
  at: Workplace,
  backends: Backends,
  { processes, routes }: { readonly processes: number; readonly routes: number },
): Promise<Contender> {
  const name = `gateway, ${processes} process${processes === 1 ? '' : 'es'}, ${routes.toLocaleString('en')} routes`;
  const dir = join(at.dir, `gateway-${processes}-${routes}`);
  mkdirSync(join(dir, 'data/run'), { recursive: true });
  const file = join(dir, 'mainspring.toml');
  writeFileSync(
    file,
    'config_repo = "https://git.example.com/config.git"\ndomain = "localhost"\ndata_dir = "./data"\n',
  );
  const config = gatewayConfig(await loadSettings(file, {}));
  writeRoutes(config.dbPath, backends, routes);
  const bound = bindAddress({ host: '127.0.0.1', port: 0 }, { ipv6Only: false });
  if (bound === undefined) throw new Error('no port is free');
  at.atEnd(() => bound.close());
  const cache = fileURLToPath(new URL('../../node_modules/.compile-cache', import.meta.url));
  const env = { PATH: process.env.PATH ?? '', NODE_COMPILE_CACHE: cache, [LISTEN_FDS_VARIABLE]: '1' };
  const command = [...NODE, MAIN, '__gateway', JSON.stringify({ ...config, program: 'bench' })];
  const pids: number[] = [];
  for (let count = 0; count < processes; count += 1)
    pids.push(startChild(at, command, { env, stdio: ['ignore', 'ignore', 'ignore', bound.fd] }).pid ?? 0);
  await untilListening(bound.address.port);
  return { name, port: bound.address.port, pids, does: [...PROXYING, ...SERVING, 'websocket'] };
}

function writeRoutes(dbPath: string, { http, webSocket, files }: Backends, routes: number): void {
  const database = createRoutes(dbPath);
  const insert = database.prepare(
    'INSERT INTO routes (host, path, generation, env, app, serve) VALUES (?, ?, ?, ?, ?, ?)',
  );
  let generation = 0;
  const put = (path: string, target: object) => {
    generation += 1;
    const serve = { instance: `i-${generation}`, target, stripPath: path === '/app', noindex: false };
    insert.run(HOST, path, generation, 'prod', path, JSON.stringify(serve));
  };
  const at = (port: number) => ({ kind: 'http', url: `http://127.0.0.1:${port}`, external: false });
  database.transaction(() => {
    for (let team = 0; generation < routes - 3; team += 1) put(`/team-${team % 100}/app-${team}`, at(http));
    put('/app', at(http));
    put('/ws', at(webSocket));
    put('/static', { kind: 'static', root: join(files, 'static'), index: 'index.html', fallback: null });
  })();
  database.close();
}

/** A server of `roles.ts`; gives its port and process. */
export async function startRole(at: Workplace, role: string, upstream = 0): Promise<{ port: number; pid: number }> {
  const child = startChild(at, [...NODE, ROLES, role, String(upstream)], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (child.stdout === null) throw new Error('no output');
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { port: Number(line), pid: child.pid ?? 0 };
}
