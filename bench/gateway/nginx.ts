import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../test/support/free-port.ts';
import type { Workplace } from '../workplace.ts';
import { startChild, untilListening } from './children.ts';
import { type Backends, type Contender, PROXYING, SERVING, SMALL } from './contender.ts';

/** nginx as what all stand before: one worker, its answers from memory and from files. Gives its port. */
export async function startNginxBackend(at: Workplace, files: string): Promise<number> {
  const port = await freePort();
  // A file that is posted to is answered with all the same.
  await startNginx(at, 'backend', {
    workers: 1,
    http: `server { listen 127.0.0.1:${port}; root ${files}; default_type text/plain;
      location = / { return 200 "${SMALL}"; }
      location = /both { error_page 405 =200 $uri; } }`,
  });
  await untilListening(port);
  return port;
}

/**
 * nginx as a reverse proxy and file server: connections to the upstream are kept, nothing is logged. It buffers answers, as it does by
 * default.
 */
export async function startNginxProxy(at: Workplace, backends: Backends, workers: number): Promise<Contender> {
  const port = await freePort();
  const child = await startNginx(at, `proxy-${workers}`, {
    workers,
    http: `upstream up { server 127.0.0.1:${backends.http}; keepalive 128; keepalive_requests 1000000000; }
    server { listen 127.0.0.1:${port}; root ${backends.files}; client_max_body_size 1m; client_body_buffer_size 256k;
      location /static/ { }
      location /ws { proxy_pass http://127.0.0.1:${backends.webSocket}; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }
      location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; } }`,
  });
  await untilListening(port);
  const name = `nginx, ${workers} worker${workers === 1 ? '' : 's'}`;
  return { name, port, pids: [child.pid ?? 0], does: [...PROXYING, ...SERVING, 'websocket'] };
}

async function startNginx(at: Workplace, name: string, { workers, http }: { workers: number; http: string }) {
  const dir = join(at.dir, `nginx-${name}`);
  mkdirSync(dir);
  const config = join(dir, 'nginx.conf');
  writeFileSync(
    config,
    `daemon off; worker_processes ${workers}; user root; pid ${dir}/nginx.pid; error_log /dev/null;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 1000000000; sendfile on; tcp_nodelay on;
  client_body_temp_path ${dir}/b; proxy_temp_path ${dir}/p; fastcgi_temp_path ${dir}/f; uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s;
  ${http}
}`.replace('user root; ', process.getuid?.() === 0 ? 'user root; ' : ''),
  );
  return startChild(at, ['nginx', '-c', config, '-p', dir, '-e', '/dev/null']);
}
