import type { Files } from './apps.ts';
import { type NonceAppOptions, nonceApp } from './nonce-app.ts';

/** The files of an app that is a container and says what it runs and where, as `nonceApp` does. Its build writes the nonce. */
export function nonceContainer(text: string, options: NonceAppOptions = {}): Files {
  const { folder = '' } = options;
  const { [`${folder}Procfile`]: _, ...files } = nonceApp(text, options);
  return { ...files, [`${folder}Dockerfile`]: WITH_NONCE };
}

/** The files of a container that runs this Node program. `before`: lines of its Dockerfile in front of its command. */
export function nodeContainer(program: string, before = ''): Files {
  return { Dockerfile: `${BASE}COPY . .\n${before}CMD ["node", "server.cjs"]\n`, 'server.cjs': program };
}

/** The files of a container of the smallest base, made by these lines of a Dockerfile. */
export function busyboxContainer(...lines: readonly string[]): Files {
  return { Dockerfile: ['FROM busybox', ...lines, ''].join('\n') };
}

const BASE = `FROM node:24-slim
WORKDIR /app
ENV LISTEN_HOST=0.0.0.0
EXPOSE 8080
`;

const WITH_NONCE = `${BASE}RUN od -An -N8 -tx1 /dev/urandom | tr -d ' \\n' > nonce
COPY . .
CMD ["node", "server.cjs"]
`;

/** A program that tries what a container may reach: `/reach?to=HOST:PORT` says `connected`, or why not within two seconds. */
export const REACHER = `
const { connect } = require('node:net');
const reach = (host, port) => new Promise((resolve) => {
  const socket = connect({ host, port, timeout: 2000 });
  const end = (said) => { socket.destroy(); resolve(said); };
  socket.on('connect', () => end('connected')).on('timeout', () => end('no answer')).on('error', (error) => end(error.code));
});
require('node:http')
  .createServer(async (request, response) => {
    const to = new URL(request.url, 'http://localhost').searchParams.get('to');
    if (to === null) return response.end('reacher');
    const [, host, port] = /^(.*):(\\d+)$/.exec(to);
    response.end(await reach(host, Number(port)));
  })
  .listen(Number(process.env.PORT), '0.0.0.0');
process.on('SIGTERM', () => process.exit(0));
`;
