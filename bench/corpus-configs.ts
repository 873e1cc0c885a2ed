/** Where a proxy that is compared listens and leads to. */
export interface ProxySetup {
  readonly dir: string;
  readonly port: number;
  readonly upstream: number;
}

/** nginx as people run it as a reverse proxy: HTTP/1.1 and kept connections to the app, streaming both ways, WebSockets. */
export function nginxConfig({ dir, port, upstream }: ProxySetup): string {
  return `daemon off; master_process off; pid ${dir}/nginx.pid; error_log /dev/null;
events { worker_connections 256; }
http {
  access_log off; lingering_close off; client_header_timeout 5s;
  client_body_temp_path ${dir}/b; proxy_temp_path ${dir}/p; fastcgi_temp_path ${dir}/f; uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s;
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  upstream up { server 127.0.0.1:${upstream} max_fails=0; keepalive 16; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://up; proxy_http_version 1.1; proxy_request_buffering off; proxy_buffering off; proxy_read_timeout 3s;
      proxy_next_upstream off;
      proxy_set_header Host $host; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
    }
  }
}
`;
}

/** haproxy with its defaults for HTTP. */
export function haproxyConfig({ port, upstream }: ProxySetup): string {
  return `global
  log /dev/null local0
  maxconn 512
defaults
  mode http
  timeout connect 2s
  timeout client 5s
  timeout server 3s
  timeout http-request 5s
  option http-keep-alive
frontend in
  bind 127.0.0.1:${port}
  default_backend up
backend up
  server one 127.0.0.1:${upstream}
`;
}
