import type { Cleanup } from '../../../support/cleanup.ts';
import { eventually } from '../eventually.ts';
import { killHard, stopHard } from '../process-scan.ts';
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

/** What a kill has taken with it. */
interface Taken {
  /** The clients' ports that were connected when it was stopped, to be killed. */
  readonly ports: ReadonlySet<number>;
  readonly stoppedAt: number;
}

type Kill = (site: Site) => Promise<Taken | null>;

/** How much later than a kill a client may hear of it: when it has read all that was on its way to it before. */
const READ_MS = 15_000;

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
  const taken: Taken[] = [];
  for (let at = 0; at < kills; at += 1) taken.push(...[await kill(site)].filter((one) => one !== null));
  const deploys = await deploying.end();
  const report = await load.end();
  if (report.failed > report.failures.length) throw new Error(`${report.failed} failures are more than are kept`);
  const isTaken = (failure: Failure) => taken.some((one) => wasIn(failure, one));
  const others = report.failures.filter((failure) => !isTaken(failure));
  return { report, kills, deploys, inFlight: report.failures.filter(isTaken), others };
}

/** Whether it was on one of those connections, and not on a later one from the same port. */
function wasIn({ at, localPort, openedAt }: Failure, { ports, stoppedAt }: Taken): boolean {
  return ports.has(localPort) && openedAt <= stoppedAt && at >= stoppedAt && at <= stoppedAt + READ_MS;
}

async function killController(site: Site): Promise<Taken | null> {
  const [controller = 0] = pidsOf(site, '__controller');
  await killHard(controller);
  await eventually(
    async () => (await site.team.installation.status()) && pidsOf(site, '__controller')[0] !== controller,
    {
      within: 60_000,
      what: 'another controller that answers',
    },
  );
  return null;
}

async function killSupervisor(site: Site): Promise<Taken | null> {
  const { installation } = site.team;
  installation.daemon?.signal('SIGKILL');
  await installation.daemon?.ended;
  await installation.serve();
  return null;
}

async function killGateway(site: Site): Promise<Taken> {
  const before = await twoGateways(site, []);
  const victim = before[Math.floor(Math.random() * before.length)] ?? 0;
  // Stopped at an instant of nobody's choice, it accepts nothing more until it is dead: what it holds then is all that it takes along.
  await stopHard(victim);
  const stoppedAt = Date.now();
  const ports = peerPortsOf(victim);
  await killHard(victim);
  await twoGateways(site, [victim]);
  return { ports, stoppedAt };
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
