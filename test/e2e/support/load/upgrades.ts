import { join } from 'node:path';
import { bindAddress } from '../../../../src/supervisor/bind.ts';
import type { Cleanup } from '../../../support/cleanup.ts';
import { eventually } from '../eventually.ts';
import { findProcess } from '../process-scan.ts';
import type { Failure, LoadReport } from './ledger.ts';
import { copyAsNextVersion, NEXT_VERSION } from './next-version.ts';
import { type LoadSize, Site } from './site.ts';

/** The ways to another version or to other settings. */
export type Way =
  | 'restart with sockets of the service manager'
  | 'restart without'
  | 'SIGHUP with other settings'
  | 'supervisor killed, next version takes over'
  | 'SIGUSR2, next version takes over';

/** What a way came to. */
export interface UpgradeUnderLoad {
  readonly report: LoadReport;
  /** From its begin until the new gateways serve and the old ones are gone, in milliseconds. */
  readonly tookMs: number;
  /** Server-sent events and WebSockets that were cut, not ended by their last chunk or close frame 1001. */
  readonly streamsCut: readonly Failure[];
  /** Connections that were refused. */
  readonly refused: readonly Failure[];
  readonly others: readonly Failure[];
}

/** Goes one way under load, on an installation of its own, and deploys once after it. */
export async function upgradeUnderLoad(
  t: Cleanup,
  { way, size }: { readonly way: Way; readonly size: LoadSize },
): Promise<UpgradeUnderLoad> {
  const site = await Site.create(t);
  const sockets = way.endsWith('service manager') ? [heldSocket(t, site.port)] : [];
  const program = copyAsNextVersion(join(site.team.installation.root, 'next'));
  await site.team.serve({ sockets });
  const load = await site.load(t, size);
  const old = gatewaysOf(site);
  const began = performance.now();
  await go(site, way, { sockets, program });
  await eventually(() => old.every((pid) => findProcess(pid) === undefined) || undefined, {
    within: 60_000,
    what: 'the end of the old gateways',
  });
  const tookMs = performance.now() - began;
  if (way !== 'SIGHUP with other settings') await eventually(async () => (await versionOf(site)) || undefined);
  await site.deploy(site.apps[0] ?? '');
  const report = await load.end();
  await site.team.installation.daemon?.stop();
  return { report, tookMs, ...sorted(report.failures) };
}

interface Next {
  readonly sockets: readonly number[];
  readonly program: readonly [string, ...string[]];
}

async function go(site: Site, way: Way, next: Next): Promise<void> {
  const { installation } = site.team;
  const { daemon } = installation;
  if (way === 'SIGHUP with other settings') {
    await installation.writeSettings({
      more: `${installation.settings.more}\n[starlark]\ntimeout = "9s"\n`,
      proxyAllow: ['192.0.2.1'],
    });
    daemon?.signal('SIGHUP');
    return;
  }
  daemon?.signal(way.startsWith('restart') ? 'SIGTERM' : way.startsWith('SIGUSR2') ? 'SIGUSR2' : 'SIGKILL');
  const code = await daemon?.ended;
  if (!way.startsWith('supervisor') && code !== 0) throw new Error(`serve ended with ${code}: ${daemon?.log}`);
  await installation.serve(next);
}

async function versionOf(site: Site): Promise<boolean> {
  return (await site.team.installation.status()).version.startsWith(NEXT_VERSION);
}

/** Bound as a service manager holds it, whoever serves or does not. */
function heldSocket(t: Cleanup, port: number): number {
  const bound = bindAddress({ host: '127.0.0.1', port }, { ipv6Only: false });
  if (bound === undefined) throw new Error(`port ${port} is taken`);
  t.after(() => bound.close());
  return bound.fd;
}

function gatewaysOf(site: Site): number[] {
  return site.team.installation.processes().flatMap(({ pid, args }) => (args.includes('__gateway') ? [pid] : []));
}

function sorted(failures: readonly Failure[]): Pick<UpgradeUnderLoad, 'streamsCut' | 'refused' | 'others'> {
  const isRefused = ({ why }: Failure) => why.includes('ECONNREFUSED');
  const isStream = ({ kind }: Failure) => kind === 'events' || kind.startsWith('websocket');
  const refused = failures.filter(isRefused);
  const streamsCut = failures.filter((failure) => !isRefused(failure) && isStream(failure));
  return { refused, streamsCut, others: failures.filter((failure) => !isRefused(failure) && !isStream(failure)) };
}
