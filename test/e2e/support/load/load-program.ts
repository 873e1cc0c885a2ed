// The clients of a load, in a process of their own: started by `startLoad`, told what to do in the variable LOAD, asked and ended over
// the channel to whoever started it.
import type { Lane, LoadPlan } from './lane.ts';
import { Ledger } from './ledger.ts';
import { keepAliveLane, oneShotLane } from './short-requests.ts';
import { slowDownloadLane, slowReaderLane, slowUploadLane } from './slow-transfers.ts';
import { echoLane, eventsLane, ticksLane } from './streams.ts';

const plan = JSON.parse(process.env.LOAD ?? 'null') as LoadPlan;
const end = new AbortController();
const ledger = new Ledger();
const lane: Lane = { plan, ledger, over: end.signal };

const times = (count: number, run: (of: Lane) => Promise<void>) => Array.from({ length: count }, () => run(lane));
const all = Promise.all([
  ...times(plan.keepAlive, keepAliveLane),
  ...times(plan.oneShot, oneShotLane),
  ...[slowUploadLane, slowDownloadLane, slowReaderLane].flatMap((run) => times(plan.slow, run)),
  ...[eventsLane, echoLane, ticksLane].flatMap((run) => times(plan.streams, run)),
]);

process.on('message', (message) => {
  if (message === 'end') end.abort();
  else process.send?.(ledger.report());
});
// Whoever started it is gone: nobody wants to know.
process.on('disconnect', () => process.exit(1));
await all;
process.send?.(ledger.report(), () => process.exit(0));
