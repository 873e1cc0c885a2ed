// A web app in one file. Everything it needs to know is in its environment: PORT, APP_ENV, APP_DATA and its params.
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { env, stdout } from 'node:process';

const { PORT, APP_DATA, APP_ENV = 'prod', GREETING = 'Hello' } = env;
const file = APP_DATA === undefined ? undefined : join(APP_DATA, 'visits');

// APP_DATA is kept when a new version starts.
function countVisit() {
  if (file === undefined) return 0;
  const visits = readVisits() + 1;
  writeFileSync(file, String(visits));
  return visits;
}

function readVisits() {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return 0;
  }
}

const server = createServer((request, response) => {
  response.setHeader('content-type', 'text/plain; charset=utf-8');
  if (request.url === '/healthz') return response.end('ok\n');
  return response.end(`${GREETING} from ${APP_ENV}. Visits: ${countVisit()}.\n`);
});

server.listen(Number(PORT), '127.0.0.1', () => stdout.write(`listening on port ${server.address().port}\n`));

// Requests that are under way are finished before the process ends.
process.on('SIGTERM', () => server.close());
