import { request } from 'node:http';

/** Removes from the engine at this socket all that carries the label of an installation, but the build cache, which carries none. */
export async function sweep(socketPath: string, installation: string): Promise<void> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`mainspring.installation=${installation}`] }));
  const listed = async (path: string) => JSON.parse(await ask(socketPath, 'GET', path)) as unknown;
  const gone = (path: string) => ask(socketPath, 'DELETE', path);
  for (const { Id } of (await listed(`/containers/json?all=1&filters=${filters}`)) as readonly { Id: string }[])
    await gone(`/containers/${Id}?force=1&v=1`);
  for (const { Id } of (await listed(`/networks?filters=${filters}`)) as readonly { Id: string }[])
    await gone(`/networks/${Id}`);
  const { Volumes } = (await listed(`/volumes?filters=${filters}`)) as { Volumes: readonly { Name: string }[] | null };
  for (const { Name } of Volumes ?? []) await gone(`/volumes/${Name}`);
  for (const { Id } of (await listed(`/images/json?filters=${filters}`)) as readonly { Id: string }[])
    await gone(`/images/${Id}?force=1`);
}

/** The body of an answer; what is gone already is no failure. */
function ask(socketPath: string, method: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ socketPath, method, path }, async (response) => {
      let body = '';
      for await (const chunk of response.setEncoding('utf8')) body += chunk;
      const { statusCode = 0 } = response;
      if (statusCode < 400 || statusCode === 404) resolve(body);
      else reject(new Error(`${method} ${path}: ${statusCode} ${body}`));
    })
      .on('error', reject)
      .end();
  });
}
