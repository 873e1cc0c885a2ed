import { createHmac } from 'node:crypto';
import { Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';

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

/** Posts so many times a second, whatever the answers take, until stopped; gives all times, counted from when each was due. */
export function loadHook(target: HookTarget, perSecond: number): { stop(): Promise<number[]> } {
  const agent = new Agent({ keepAlive: true });
  const end = new AbortController();
  const times: Promise<number>[] = [];
  const run = async () => {
    const began = performance.now();
    for (let sent = 0; !end.signal.aborted; sent += 1) {
      const due = began + (sent * 1000) / perSecond;
      const early = due - performance.now();
      if (early > 0) await wait(early);
      const late = Math.max(0, performance.now() - due);
      const answered = postHook(target, agent).then((ms) => ms + late);
      // Who stops the load hears of it.
      answered.catch(() => {});
      times.push(answered);
    }
  };
  const running = run();
  return {
    stop: async () => {
      end.abort();
      await running;
      const all = await Promise.all(times);
      agent.destroy();
      return all;
    },
  };
}
