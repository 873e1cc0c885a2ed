// A web app in one file. What it needs to know is in its environment: PORT, APP_ENV, APP_DATA and its params.
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { env, pid, stdout } from 'node:process';

const { PORT, APP_DATA = '.', APP_ENV = 'prod', GREETING = 'Hello' } = env;
const file = join(APP_DATA, 'visits');
const startedAt = new Date().toISOString();

// APP_DATA is kept from one version to the next, so this goes on counting.
function readVisits() {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return 0;
  }
}

function countVisit() {
  const visits = readVisits() + 1;
  writeFileSync(file, String(visits));
  return visits;
}

const escaped = (text) => text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);

const page = (visits) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(GREETING)}</title>
<style>
  body { font: 1.1rem/1.6 system-ui, sans-serif; max-width: 38rem; margin: 12vh auto; padding: 0 1.5rem; color: #1d2433 }
  h1 { font-size: 2.6rem; margin-bottom: 0 }
  small { color: #667 }
  @media (prefers-color-scheme: dark) { body { background: #12161f; color: #e6e9f0 } a { color: #8ab4ff } }
</style>
<h1>${escaped(GREETING)}</h1>
<p>from a process in <b>${escaped(APP_ENV)}</b>. Visits: <b>${visits}</b>.</p>
<p><small>Process ${pid}, started ${startedAt}. The greeting is a param in <code>apps.star</code>.</small></p>
<p><a href="/">Back</a></p>
`;

const server = createServer((request, response) => {
  if (request.url === '/healthz') return response.end('ok\n');
  if (request.url === '/now') {
    response.setHeader('content-type', 'application/json');
    return response.end(JSON.stringify({ greeting: GREETING, visits: readVisits(), startedAt }));
  }
  response.setHeader('content-type', 'text/html; charset=utf-8');
  return response.end(page(countVisit()));
});

server.listen(Number(PORT), '127.0.0.1', () => stdout.write(`listening on port ${server.address().port}\n`));

// Requests that are under way are finished before the process ends.
process.on('SIGTERM', () => server.close());
