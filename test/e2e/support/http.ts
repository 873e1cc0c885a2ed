import { type IncomingHttpHeaders, request } from 'node:http';

/** What an outside client got. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What is asked. */
export interface HttpQuestion {
  readonly port: number;
  readonly path: string;
  readonly host?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly timeoutMs?: number;
}

/** Asks on a connection of its own, as a client outside does. Rejects with the error of the connection. */
export function ask(question: HttpQuestion): Promise<HttpAnswer> {
  const { port, path, host = 'localhost', method = 'GET', headers = {}, body, timeoutMs = 10_000 } = question;
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method, agent: false, headers: { ...headers, host } });
    asked.setTimeout(timeoutMs, () => asked.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    asked.on('error', reject);
    asked.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const { statusCode = 0, headers: answered } = response;
        resolve({ status: statusCode, headers: answered, body: Buffer.concat(chunks).toString() });
      });
    });
    asked.end(body);
  });
}
