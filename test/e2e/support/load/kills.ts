import type { Cleanup } from '../../../support/cleanup.ts';
import { eventually } from '../eventually.ts';
import { killHard, signal } from '../process-scan.ts';
import { deployMeanwhile } from './background-deploys.ts';
import { peerPortsOf } from './connections-of.ts';
import type { Failure, LoadReport } from './ledger.ts';
import { type LoadSize, Site } from './site.ts';

/** How often each is killed. */
export interface KillCounts {
  readonly controller: number;
  readonly supervisor: number;
  readonly gateway: number;
}

/** What kills of one sort came to. */
export interface KillsUnderLoad {
  readonly report: LoadReport;
  readonly kills: number;
  /** Versions that were pushed, and served in the end. */
  readonly deploys: number;
  /** Failures on connections that a killed process held when it was stopped. */
  readonly inFlight: readonly Failure[];
  /** All other failures. */
  readonly others: readonly Failure[];
}

/** What a kill took with it: the clients' ports that were connected. */
type Kill = (site: Site) => Promise<ReadonlySet<number>>;

/** Kills controller, supervisor and gateways (-9) one after the other under load, while deploys go on; each sort on its own. */
export async function killUnderLoad(
  t: Cleanup,
  { counts, size }: { readonly counts: KillCounts; readonly size: LoadSize },
): Promise<Record<keyof KillCounts, KillsUnderLoad>> {
  const site = await Site.create(t);
  await site.team.serve();
  return {
    controller: await series(t, site, { size, kills: counts.controller, kill: killController }),
    supervisor: await series(t, site, { size, kills: counts.supervisor, kill: killSupervisor }),
    gateway: await series(t, site, { size, kills: counts.gateway, kill: killGateway }),
  };
}

interface Series {
  readonly size: LoadSize;
  readonly kills: number;
  readonly kill: Kill;
}

async function series(t: Cleanup, site: Site, { size, kills, kill }: Series): Promise<KillsUnderLoad> {
  const load = await site.load(t, size);
  const deploying = deployMeanwhile(site);
  const held = new Set<number>();
  for (let at = 0; at < kills; at += 1) for (const port of await kill(site)) held.add(port);
  const deploys = await deploying.end();
  const report = await load.end();
  const isHeld = ({ localPort }: Failure) => held.has(localPort);
  const others = report.failures.filter((failure) => !isHeld(failure));
  return { report, kills, deploys, inFlight: report.failures.filter(isHeld), others };
}

const NONE: ReadonlySet<number> = new Set();

async function killController(site: Site): Promise<ReadonlySet<number>> {
  const [controller = 0] = pidsOf(site, '__controller');
  await killHard(controller);
  await eventually(
    async () => (await site.team.installation.status()) && pidsOf(site, '__controller')[0] !== controller,
    {
      within: 60_000,
      what: 'another controller that answers',
    },
  );
  return NONE;
}

async function killSupervisor(site: Site): Promise<ReadonlySet<number>> {
  const { installation } = site.team;
  installation.daemon?.signal('SIGKILL');
  await installation.daemon?.ended;
  await installation.serve();
  return NONE;
}

/** Stops it first: a stopped process accepts nothing more, so what it holds is known exactly. */
async function killGateway(site: Site): Promise<ReadonlySet<number>> {
  const before = await twoGateways(site, []);
  const victim = before[Math.floor(Math.random() * before.length)] ?? 0;
  signal(victim, 'SIGSTOP');
  const ports = peerPortsOf(victim);
  await killHard(victim);
  await twoGateways(site, [victim]);
  return ports;
}

function twoGateways(site: Site, without: readonly number[]): Promise<number[]> {
  return eventually(
    async () => {
      const pids = pidsOf(site, '__gateway').filter((pid) => !without.includes(pid));
      return pids.length === 2 ? pids : undefined;
    },
    { within: 60_000, what: 'two gateways' },
  );
}

function pidsOf(site: Site, role: '__controller' | '__gateway'): number[] {
  return site.team.installation.processes().flatMap(({ pid, args }) => (args.includes(role) ? [pid] : []));
}
