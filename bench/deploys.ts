// Requests while apps are deployed: `npm run bench -- deploys`. 200 deploys in two minutes under load, judged by clients outside.
import { deployUnderLoad } from '../test/e2e/support/load/deploys.ts';
import type { LoadReport } from '../test/e2e/support/load/ledger.ts';
import { FULL_LOAD } from '../test/e2e/support/load/site.ts';
import { loadFigures, tellTroubles } from './load-figures.ts';
import { median, printReport, quantile } from './report.ts';
import { inWorkplace } from './workplace.ts';

const DEPLOYS = Number(process.env.BENCH_DEPLOYS ?? 200);
const SECONDS = 0.58 * DEPLOYS;

await inWorkplace(async (at) => {
  const { report, times, seconds } = await deployUnderLoad(
    { after: (end) => at.atEnd(end) },
    { deploys: DEPLOYS, seconds: SECONDS, size: FULL_LOAD },
  );
  tellTroubles(report);
  const note = `${times.length} samples, until ${Math.max(...times).toFixed(0)}`;
  printReport({
    part: 'deploys',
    title: `deploys: ${DEPLOYS} pushes to main, of one process app and four static apps in turns, under load`,
    figures: [
      { name: 'deploys that were served', value: times.length, unit: '', goal: { exactly: DEPLOYS } },
      { name: 'all of them', value: seconds, unit: 's', goal: { atMost: (DEPLOYS * 120) / 200 } },
      { name: 'from push until served: median', value: median(times), unit: 'ms', note },
      { name: 'from push until served: p99', value: quantile(times, 0.99), unit: 'ms' },
      ...loadFigures(report),
      { name: 'requests failed', value: report.failed, unit: '', goal: { exactly: 0 } },
      { name: 'one-shot connections', value: oneShots(report), unit: '', goal: { atLeast: 100 * DEPLOYS } },
    ],
  });
});

function oneShots({ tallies }: LoadReport): number {
  return tallies['one-shot']?.done ?? 0;
}
