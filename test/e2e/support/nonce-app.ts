import type { Files } from './apps.ts';

/** What an app says of itself. Its nonce is written by its build: two with the same nonce run what was built once. */
export interface SaidByApp {
  readonly text: string;
  readonly nonce: string;
  readonly greeting: string;
  readonly env: string;
  readonly path: string;
  readonly url: string;
  /** How often `/visit` was asked for since its data folder was made. */
  readonly visits: number;
}

/** The `app_config` with which a build writes a nonce. */
export const NONCE_BUILD = `app_config = {"build": "od -An -N8 -tx1 /dev/urandom | tr -d ' \\\\n' > nonce"}`;

/** How an app of these tests behaves. */
export interface NonceAppOptions {
  readonly folder?: string;
  readonly status?: number;
  /** A path that it answers with 500, whatever else it says. */
  readonly brokenAt?: string;
  /** Needs to be the only one of its kind on its data: fails to start while another one runs there. */
  readonly isAlone?: boolean;
}

/** The files of a process app that says what it runs and where, as JSON. It is built by `NONCE_BUILD`. */
export function nonceApp(text: string, options: NonceAppOptions = {}): Files {
  const { folder = '', status = 200, brokenAt = '', isAlone = false } = options;
  return {
    [`${folder}Procfile`]: 'web: exec node server.cjs\n',
    [`${folder}server.cjs`]: isAlone ? `${LOCK}${SERVER}` : SERVER,
    [`${folder}text`]: text,
    [`${folder}status`]: String(status),
    [`${folder}broken`]: brokenAt,
  };
}

/** Reads what such an app answered; null if it is something else. */
export function readSaid(body: string): SaidByApp | null {
  try {
    const said = JSON.parse(body) as SaidByApp;
    return typeof said.nonce === 'string' ? said : null;
  } catch {
    return null;
  }
}

/** Held for as long as the process lives, and given up by it in order. What finds it taken notes that, and fails. */
const LOCK = `
const fs = require('node:fs');
const lock = process.env.APP_DATA + '/lock';
try {
  fs.writeFileSync(lock, String(process.pid), { flag: 'wx' });
} catch {
  fs.appendFileSync(process.env.APP_DATA + '/met', fs.readFileSync('text', 'utf8') + '\\n');
  process.exit(7);
}
process.on('exit', () => fs.rmSync(lock, { force: true }));
`;

const SERVER = `
const { existsSync, readFileSync, writeFileSync } = require('node:fs');
const { APP_DATA, APP_ENV: env, APP_PATH: path, APP_URL: url, PORT, GREETING: greeting = '' } = process.env;
const text = readFileSync('text', 'utf8');
const nonce = existsSync('nonce') ? readFileSync('nonce', 'utf8') : 'not built';
const status = Number(readFileSync('status', 'utf8'));
const broken = readFileSync('broken', 'utf8');
const counted = APP_DATA + '/visits';
const count = () => (existsSync(counted) ? Number(readFileSync(counted, 'utf8')) : 0);
require('node:http')
  .createServer((request, response) => {
    if (request.url === '/die') process.exit(3);
    if (request.url === '/visit') writeFileSync(counted, String(count() + 1));
    response.writeHead(request.url === broken ? 500 : status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ text, nonce, greeting, env, path, url, visits: count() }));
  })
  .listen(Number(PORT), process.env.LISTEN_HOST ?? '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
console.log('started ' + text + ' ' + nonce);
`;
