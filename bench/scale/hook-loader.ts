// Posts to a webhook so many times a second until told to stop, in a process of its own: it must not wait for what else the bench does.
import { Agent } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { type HookTarget, postHook } from '../hook-load.ts';

const { perSecond, ...target } = JSON.parse(process.argv[2] ?? '') as HookTarget & { readonly perSecond: number };
const agent = new Agent({ keepAlive: true });
const times: Promise<number>[] = [];
let isOver = false;
process.once('message', () => {
  isOver = true;
});

// The first one pays for what is loaded and connected once.
await postHook(target, agent);
const began = performance.now();
for (let sent = 0; !isOver; sent += 1) {
  const due = began + (sent * 1000) / perSecond;
  const early = due - performance.now();
  if (early > 0) await wait(early);
  // A post that could not be sent in time counts from when it was due.
  const late = Math.max(0, performance.now() - due);
  const answered = postHook(target, agent).then((ms) => ms + late);
  answered.catch(() => {});
  times.push(answered);
}
process.send?.(await Promise.all(times));
agent.destroy();
process.disconnect?.();
