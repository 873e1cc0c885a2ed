import type { LoadReport } from '../test/e2e/support/load/ledger.ts';
import type { Figure } from './report.ts';

/** Says on standard error what clients of a load could not have had right. */
export function tellTroubles({ failures, backwards }: Pick<LoadReport, 'failures' | 'backwards'>): void {
  for (const { kind, at, localPort, why } of failures.slice(0, 20))
    console.error(`!! ${new Date(at).toISOString()} ${kind}, from port ${localPort}: ${why}`);
  for (const line of backwards.slice(0, 20)) console.error(`!! ${line}`);
}

/** What clients of a load saw, as figures. What may fail is for the caller to say. */
export function loadFigures(report: LoadReport): Figure[] {
  return [
    ...Object.entries(report.tallies).map(([kind, { done, connections, closedBetween, endedProperly }]) => ({
      name: `${kind}: complete right answers or messages`,
      value: done,
      unit: '',
      note: `${connections} connections${closedBetween > 0 ? `, ${closedBetween} closed between requests` : ''}${endedProperly > 0 ? `, ${endedProperly} ended properly by the other side` : ''}`,
    })),
    { name: 'short requests: p50', value: report.p50, unit: 'ms' },
    { name: 'short requests: p99', value: report.p99, unit: 'ms', note: `slowest ${report.slowest.toFixed(0)}` },
    { name: 'old after new on one connection', value: report.backwards.length, unit: '', goal: { exactly: 0 } },
  ];
}
