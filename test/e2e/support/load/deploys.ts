import { setTimeout as delay } from 'node:timers/promises';
import type { Cleanup } from '../../../support/cleanup.ts';
import { eventually } from '../eventually.ts';
import type { SettingsValues } from '../settings-text.ts';
import type { LoadReport } from './ledger.ts';
import type { Load } from './load.ts';
import { type LoadSize, Site } from './site.ts';

/** What deploys under load came to. */
export interface DeploysUnderLoad {
  readonly report: LoadReport;
  /** Milliseconds from the end of a push until it was served. */
  readonly times: readonly number[];
  readonly seconds: number;
}

/** How much is deployed, and under what. */
export interface DeploysPlan {
  readonly deploys: number;
  readonly seconds: number;
  readonly size: LoadSize;
  readonly settings?: Partial<SettingsValues>;
  /** The apps to deploy in turns; absent: all of the site. */
  readonly apps?: readonly string[];
}

/**
 * Deploys a process app and static apps in turns, spread evenly over a time, each as its last one is served. Rejects when one is not
 * served, and seen by the load's own clients, within a minute.
 */
export async function deployUnderLoad(
  t: Cleanup,
  { deploys, seconds, size, settings = {}, apps }: DeploysPlan,
): Promise<DeploysUnderLoad> {
  const site = await Site.create(t, settings);
  await site.team.serve();
  const load = await site.load(t, size);
  const began = performance.now();
  const times: number[] = [];
  const deployed = apps ?? site.apps;
  const busy = new Map<string, Promise<void>>();
  for (let at = 0; at < deploys; at += 1) {
    const app = deployed[at % deployed.length] ?? '';
    await delay(Math.max(0, began + (at * seconds * 1_000) / deploys - performance.now()));
    await busy.get(app);
    busy.set(
      app,
      timed(times, () => site.deploy(app)),
    );
  }
  await Promise.all(busy.values());
  const took = (performance.now() - began) / 1_000;
  await untilSeen(load, site);
  const report = await load.end();
  await site.team.installation.daemon?.stop();
  return { report, times, seconds: took };
}

/** Waits until the clients themselves have met the last version of every app: on a busy machine they may not have asked it yet. */
async function untilSeen(load: Load, site: Site): Promise<void> {
  const look = async () => {
    const { newest } = await load.look();
    return site.apps.every((app) => newest[`/${app}`] === site.versionOf(app)) || undefined;
  };
  await eventually(look, {
    within: 60_000,
    every: 50,
    what: 'the clients of the load to see the last version of every app',
  });
}

async function timed(times: number[], run: () => Promise<void>): Promise<void> {
  const began = performance.now();
  await run();
  times.push(performance.now() - began);
}
