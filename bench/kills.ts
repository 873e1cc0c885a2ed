// Requests while processes are killed: `npm run bench -- kills`. 30 kills of the controller, 10 of the supervisor, 30 of gateways, each
// under load and while deploys go on (Linux: what a gateway held is read from /proc).
import { type KillsUnderLoad, killUnderLoad } from '../test/e2e/support/load/kills.ts';
import { FULL_LOAD } from '../test/e2e/support/load/site.ts';
import { tellTroubles } from './load-figures.ts';
import { type Figure, printReport } from './report.ts';
import { inWorkplace } from './workplace.ts';

const SCALE = Number(process.env.BENCH_SCALE ?? 1);
const COUNTS = { controller: Math.ceil(30 * SCALE), supervisor: Math.ceil(10 * SCALE), gateway: Math.ceil(30 * SCALE) };

await inWorkplace(async (at) => {
  const ended = await killUnderLoad({ after: (end) => at.atEnd(end) }, { counts: COUNTS, size: FULL_LOAD });
  printReport({
    part: 'kills',
    title: 'kills: processes killed with SIGKILL under load, while deploys go on',
    figures: Object.entries(ended).flatMap(([of, result]) => figuresOf(of, result)),
  });
});

function figuresOf(of: string, { report, kills, deploys, inFlight, others }: KillsUnderLoad): Figure[] {
  tellTroubles({ ...report, failures: others });
  const done = Object.values(report.tallies).reduce((sum, tally) => sum + tally.done, 0);
  const byKind = Map.groupBy(inFlight, ({ kind }) => kind);
  const note = [...byKind].map(([kind, list]) => `${kind} ${list.length}`).join(', ');
  const answers = `${deploys} deploys, ${kills} kills, slowest short request ${report.slowest.toFixed(0)} ms`;
  return [
    { name: `${of} killed: complete right answers and messages`, value: done, unit: '', note: answers },
    ...(of === 'gateway' ? [{ name: 'gateway killed: in flight in it', value: inFlight.length, unit: '', note }] : []),
    { name: `${of} killed: failed otherwise`, value: others.length, unit: '', goal: { exactly: 0 } },
    { name: `${of} killed: old after new`, value: report.backwards.length, unit: '', goal: { exactly: 0 } },
  ];
}
