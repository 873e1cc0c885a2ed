import type { ServerResponse } from 'node:http';

/** Leads to the same address with a slash at its end: only there relative links of a page work. `path` and `query` are as sent. */
export function redirectToFolder(response: ServerResponse, path: string, query: string): void {
  // A path that began with two slashes would be read as another host.
  const location = `${path.replace(/^\/+/, '/')}/${query}`;
  response.writeHead(302, { Location: location, 'Cache-Control': 'no-cache', 'Content-Length': 0 });
  response.end();
}
