import type { TestFile } from '../../support/git-repo.ts';

/** Files by path. */
export type Files = Readonly<Record<string, TestFile>>;

/** The files of a static app that says this. */
export function staticApp(text: string, folder = ''): Files {
  return { [`${folder}index.html`]: `${text}\n` };
}

/**
 * The files of a process app that answers with its name and version, keeps a count of visits to `/visit` in its data folder, and
 * answers everything with this status.
 */
export function processApp(text: string, { folder = '', status = 200 } = {}): Files {
  return {
    [`${folder}Procfile`]: 'web: exec node server.cjs\n',
    [`${folder}server.cjs`]: SERVER,
    [`${folder}text`]: text,
    [`${folder}status`]: String(status),
  };
}

const SERVER = `
const { existsSync, readFileSync, writeFileSync } = require('node:fs');
const { APP_DATA, APP_PATH, PORT, GREETING = '' } = process.env;
const text = readFileSync('text', 'utf8');
const status = Number(readFileSync('status', 'utf8'));
const visits = APP_DATA + '/visits';
function visit() {
  const count = (existsSync(visits) ? Number(readFileSync(visits, 'utf8')) : 0) + 1;
  writeFileSync(visits, String(count));
  return ' visit ' + count;
}
require('node:http')
  .createServer((request, response) => {
    response.writeHead(status);
    response.end(text + GREETING + ' ' + APP_PATH + (request.url === '/visit' ? visit() : ''));
  })
  .listen(Number(PORT), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
console.log('started ' + text);
`;
