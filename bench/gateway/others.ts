import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../test/support/free-port.ts';
import type { Workplace } from '../workplace.ts';
import { startChild, untilListening } from './children.ts';
import { type Backends, type Contender, HOST, PROXYING, SERVING } from './contender.ts';

/** haproxy with two threads, in HTTP mode; connections to the upstream are kept and shared. */
export async function startHaproxy(at: Workplace, { http, webSocket }: Backends): Promise<Contender> {
  const port = await freePort();
  const config = join(at.dir, 'haproxy.cfg');
  writeFileSync(
    config,
    `global
  nbthread 2
  maxconn 8192
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 1h
  http-reuse always
frontend in
  bind 127.0.0.1:${port}
  use_backend ws if { path_beg /ws }
  default_backend up
backend up
  server one 127.0.0.1:${http} pool-max-conn 128
backend ws
  server two 127.0.0.1:${webSocket}
`,
  );
  const child = startChild(at, ['haproxy', '-db', '-f', config]);
  await untilListening(port);
  return { name: 'haproxy, 2 threads', port, pids: [child.pid ?? 0], does: [...PROXYING, 'websocket'] };
}

/** Caddy with its defaults, but for as many kept connections as there are clients. */
export async function startCaddy(at: Workplace, { http, webSocket, files }: Backends): Promise<Contender> {
  const port = await freePort();
  const config = join(at.dir, 'Caddyfile');
  writeFileSync(
    config,
    `{
  admin off
  auto_https off
}
http://${HOST}:${port}, http://127.0.0.1:${port} {
  bind 127.0.0.1
  handle /static/* {
    root * ${files}
    file_server
  }
  handle /ws* {
    reverse_proxy 127.0.0.1:${webSocket}
  }
  handle {
    reverse_proxy 127.0.0.1:${http} {
      transport http {
        keepalive_idle_conns_per_host 128
      }
    }
  }
}
`,
  );
  const env = { PATH: process.env.PATH ?? '', HOME: at.dir, XDG_DATA_HOME: at.dir, XDG_CONFIG_HOME: at.dir };
  const child = startChild(at, ['caddy', 'run', '--config', config, '--adapter', 'caddyfile'], { env });
  await untilListening(port);
  return { name: 'Caddy', port, pids: [child.pid ?? 0], does: [...PROXYING, ...SERVING, 'websocket'] };
}
