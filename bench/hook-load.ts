import { createHmac } from 'node:crypto';
import { type Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';

/** Where the webhook is, and its secret. */
export interface HookTarget {
  readonly port: number;
  readonly name: string;
  readonly secret: string;
}

/** Posts to a webhook once, signed; gives the milliseconds until the answer, which must be 202. */
export function postHook({ port, name, secret }: HookTarget, agent?: Agent): Promise<number> {
  const body = '{"ref":"refs/heads/main"}';
  const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port,
        method: 'POST',
        path: `/_mainspring/hooks/${name}`,
        headers: { 'Content-Type': 'application/json', 'X-Hub-Signature-256': signature },
        ...(agent === undefined ? {} : { agent }),
      },
      (response) => {
        response.resume();
        if (response.statusCode === 202) resolve(performance.now() - began);
        else reject(new Error(`the hook answered ${response.statusCode}`));
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}
