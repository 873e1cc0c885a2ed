// Requests while a container is deployed: `npm run bench -- container-deploys`. 50 deploys under 64 connections, judged by clients outside.
import { deployUnderLoad } from '../test/e2e/support/load/deploys.ts';
import { FULL_LOAD } from '../test/e2e/support/load/site.ts';
import { engineSocket } from '../test/support/containers/find-docker.ts';
import { loadFigures, tellTroubles } from './load-figures.ts';
import { median, printReport, quantile } from './report.ts';
import { inWorkplace } from './workplace.ts';

const DEPLOYS = Number(process.env.BENCH_DEPLOYS ?? 50);
const SECONDS = 3 * DEPLOYS;

await inWorkplace(async (at) => {
  const settings = { docker: await engineSocket() };
  const plan = { deploys: DEPLOYS, seconds: SECONDS, size: FULL_LOAD, settings, apps: ['server'] };
  const { report, times, seconds } = await deployUnderLoad({ after: (end) => at.atEnd(end) }, plan);
  tellTroubles(report);
  printReport({
    part: 'container-deploys',
    title: `container deploys: ${DEPLOYS} pushes to main of an app that is a container, each built and switched under load`,
    figures: [
      { name: 'deploys that were served', value: times.length, unit: '', goal: { exactly: DEPLOYS } },
      { name: 'all of them', value: seconds, unit: 's' },
      { name: 'from push until served: median', value: median(times), unit: 'ms' },
      { name: 'from push until served: p99', value: quantile(times, 0.99), unit: 'ms' },
      ...loadFigures(report),
      { name: 'requests failed', value: report.failed, unit: '', goal: { exactly: 0 } },
    ],
  });
});
