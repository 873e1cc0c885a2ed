// Requests while the whole program goes over to another version or other settings: `npm run bench -- upgrade`. Each way under load.
import { FULL_LOAD } from '../test/e2e/support/load/site.ts';
import { type UpgradeUnderLoad, upgradeUnderLoad, type Way } from '../test/e2e/support/load/upgrades.ts';
import { tellTroubles } from './load-figures.ts';
import { type Figure, printReport } from './report.ts';
import { inWorkplace } from './workplace.ts';

const WAYS: readonly Way[] = [
  'restart with sockets of the service manager',
  'restart without',
  'SIGHUP with other settings',
  'supervisor killed, next version takes over',
  'SIGUSR2, next version takes over',
];

await inWorkplace(async (at) => {
  const asked = process.env.BENCH_WAY;
  const figures: Figure[] = [];
  for (const way of WAYS.filter((name) => asked === undefined || name.startsWith(asked)))
    figures.push(
      ...figuresOf(way, await upgradeUnderLoad({ after: (end) => at.atEnd(end) }, { way, size: FULL_LOAD })),
    );
  printReport({ part: 'upgrade', title: 'upgrade: another version or other settings, under load', figures });
});

function figuresOf(way: Way, { report, tookMs, streamsCut, refused, others }: UpgradeUnderLoad): Figure[] {
  tellTroubles({ ...report, failures: others });
  const goal = way === 'restart without' ? {} : { goal: { exactly: 0 } as const };
  const done = Object.values(report.tallies).reduce((sum, tally) => sum + tally.done, 0);
  const note = `${done} right, slowest short request ${report.slowest.toFixed(0)} ms`;
  return [
    { name: `${way}: took`, value: tookMs / 1_000, unit: 's', note },
    { name: `${way}: refused`, value: refused.length, unit: '', ...goal },
    { name: `${way}: failed`, value: others.length, unit: '', ...goal },
    { name: `${way}: streams cut`, value: streamsCut.length, unit: '', ...goal },
    { name: `${way}: old after new`, value: report.backwards.length, unit: '', goal: { exactly: 0 } },
  ];
}
