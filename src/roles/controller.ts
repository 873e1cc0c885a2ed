import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { formatHead } from '../audit/chain.ts';
import { startControlServer } from '../gateway/control/control-server.ts';
import { observation } from '../model/cause.ts';
import { isStoreError, MainspringError, problemOf } from '../model/errors.ts';
import type { AppId, ArtifactKey, EnvName } from '../model/ids.ts';
import { SUPERVISOR_FD_VARIABLE } from '../model/processes.ts';
import type { Settings } from '../model/settings.ts';
import type { RepoUrl } from '../model/source.ts';
import type { Boundary } from '../reconcile/boundaries.ts';
import type { GatewayControl, Ports } from '../reconcile/ports.ts';
import { Reconciler } from '../reconcile/reconciler.ts';
import type { Engine } from '../runtime/engine.ts';
import { memoryUse } from '../runtime/memory-use.ts';
import type { Evaluator } from '../starlark/evaluator.ts';
import type { StatusPorts } from '../status/api.ts';
import { instanceTiers } from '../status/metrics-text.ts';
import { startStatusServer } from '../status/server.ts';
import { audit } from '../store/changes.ts';
import type { Connection } from '../store/database.ts';
import { EvaluationTable } from '../store/evaluations.ts';
import { type StoreLock, takeLock } from '../store/lock.ts';
import { installationId, type Store } from '../store/store.ts';
import { deploymentKey } from '../store/tables.ts';
import { watchSupervisor } from '../supervisor/supervisor-gone.ts';
import { availabilityFor, enginesFor, evaluatorFor, gitFor, limitsHere, probeFor } from './controller-parts.ts';
import { type Environment, FAILPOINTS_VARIABLE } from './environment.ts';
import { EXIT_FATAL, EXIT_RESTART } from './exit-codes.ts';
import { failpoints } from './failpoint.ts';
import type { WriteLog } from './log.ts';
import { placesIn } from './places.ts';
import {
  type Answering,
  answerAudit,
  answerExplain,
  answerLogs,
  answerPlan,
  answerStatus,
  answerTipOf,
} from './status-ports.ts';
import { openStore } from './store.ts';
import { systemClock } from './system-clock.ts';

/** What a controller process is told. */
export interface ControllerOptions {
  /** As its supervisor read them: a file that is broken by now does not matter to a controller that is started again. */
  readonly settings: Settings;
  readonly version: string;
  readonly env: Environment;
  readonly log: WriteLog;
}

/** How long an orphan of an earlier start may take to let go of the data folder. */
const ORPHAN_MS = 10_000;
const RETRY_MS = 5_000;

/**
 * Runs a controller as this process until SIGTERM, SIGHUP (which means: start again with the settings as they are now) or
 * the end of its supervisor. Gives the exit code.
 */
export async function runController(options: ControllerOptions): Promise<number> {
  const { env, log, settings } = options;
  const asked = Promise.withResolvers<number>();
  process
    .on('SIGTERM', () => asked.resolve(0))
    .on('SIGINT', () => asked.resolve(0))
    .on('SIGHUP', () => asked.resolve(EXIT_RESTART));
  const fd = Number(env[SUPERVISOR_FD_VARIABLE] ?? Number.NaN);
  // What it was doing goes on with the next controller; there is nothing to end in order.
  const supervisor = Number.isInteger(fd) ? watchSupervisor(fd, () => process.exit(EXIT_RESTART)) : null;
  try {
    const lock = await waitForLock(settings.dataDir);
    const running = await startWhenWritable(options, asked.promise);
    if (running === null) return 0;
    supervisor?.reportReady();
    const code = await asked.promise;
    await running.stop({ stopApps: code === 0 && settings.engines.onExit === 'stop' });
    lock.release();
    supervisor?.close();
    return code;
  } catch (error) {
    const problem = problemOf(error);
    log('error', problem.message, { code: problem.code, ...(problem.hint === null ? {} : { hint: problem.hint }) });
    return error instanceof MainspringError && problem.retry === 'needs-human' ? EXIT_FATAL : 1;
  }
}

/** Takes the lock of the data folder; one that an orphan holds is let go of soon. */
async function waitForLock(dataDir: string): Promise<StoreLock> {
  const until = Date.now() + ORPHAN_MS;
  for (;;) {
    try {
      return takeLock(dataDir);
    } catch (error) {
      const isHeld = error instanceof MainspringError && error.code === 'store-locked';
      if (!isHeld) throw error;
      // Whoever holds it by now is no orphan.
      if (Date.now() >= until)
        throw new MainspringError(error.code, error.message, { cause: error, hint: error.hint ?? '' });
    }
    await systemClock.sleep(50);
  }
}

interface Running {
  stop(options: { readonly stopApps: boolean }): Promise<void>;
}

/** A full disk or a read-only folder is said once and waited out: the gateways serve on meanwhile. Null: asked to end before. */
async function startWhenWritable(options: ControllerOptions, asked: Promise<number>): Promise<Running | null> {
  let said = '';
  for (;;) {
    try {
      return await startController(options);
    } catch (error) {
      const problem = problemOf(error);
      if (!isStoreError(error) || problem.retry === 'needs-human') throw error;
      if (said !== problem.message) options.log('error', problem.message, { code: problem.code, hint: problem.hint });
      said = problem.message;
    }
    const ended = await Promise.race([asked.then(() => true), systemClock.sleep(RETRY_MS).then(() => false)]);
    if (ended) return null;
  }
}

async function startController(options: ControllerOptions): Promise<Running> {
  const { log, settings } = options;
  const places = placesIn(settings.dataDir);
  const { store, connection } = openStarted(settings.dataDir, options.version);
  const evaluator = evaluatorFor(settings, new EvaluationTable(connection));
  const calls = { hint: () => {}, wake: (_env: EnvName, _app: AppId) => {} };
  const control = await startControlServer({
    socketPath: places.controlSocket,
    onHint: () => calls.hint(),
    onWake: (env, app) => calls.wake(env, app),
    expectGateways: settings.gateway.processes,
  });
  const ports = portsOf({ settings, store, connection, evaluator, gateways: control }, options);
  await recheckAfterUncleanStop(ports.engines.values(), places.cleanStop, log);
  const reconciler = new Reconciler(ports);
  calls.hint = () => reconciler.hint();
  calls.wake = (env, app) => reconciler.wake(env, app);
  const status = await startStatusServer(places.statusSocket, {
    ports: {
      ...statusPorts(answeringFor(reconciler, ports, connection, options.version)),
      metrics: async () => ({
        ...(await control.totals((env, app) => store.recorded.deployments.has(deploymentKey({ env, app })))),
        wakes: reconciler.wakes,
        instances: instanceTiers(store.recorded.instances.values()),
      }),
    },
    settings: () => settings,
    onFault: (message, error) => log('error', message, { error: String(error) }),
  });
  await reconciler.start();
  log('info', 'the controller is up', {
    installation: ports.installation,
    apps: store.recorded.deployments.size,
    // Kept outside of the store, it shows later whether the log's tail was cut.
    audit_head: formatHead(store.head),
  });
  const stop = async ({ stopApps }: { readonly stopApps: boolean }) => {
    await status.close();
    await reconciler.stop();
    if (stopApps) await stopInstances(ports);
    await control.close();
    await Promise.all([...ports.engines.values()].map((engine) => engine.close()));
    await evaluator.close();
    await ports.git.close();
    store.close();
    writeFileSync(places.cleanStop, `${new Date().toISOString()}\n`);
  };
  return { stop };
}

/** Opens the store and writes into its log that a controller is here now. */
function openStarted(dataDir: string, version: string): ReturnType<typeof openStore> {
  const { cleanStop } = placesIn(dataDir);
  const clean = existsSync(cleanStop) || !existsSync(sinceFile(cleanStop));
  const opened = openStore(dataDir, systemClock);
  const cause = observation(clean ? 'the daemon was started' : 'the daemon was started after it had been cut off');
  try {
    opened.store.transact(() => [
      audit({ kind: 'controller.started', env: null, app: null, cause, detail: { version, clean } }),
    ]);
    return opened;
  } catch (error) {
    opened.store.close();
    throw error;
  }
}

interface Parts {
  readonly settings: Settings;
  readonly store: Store;
  readonly connection: Connection;
  readonly evaluator: Evaluator;
  readonly gateways: GatewayControl;
}

function portsOf(parts: Parts, { env, log }: ControllerOptions): Ports {
  const { settings, store, evaluator, gateways } = parts;
  const installation = installationId(parts.connection);
  const limits = limitsHere(settings);
  const engines = enginesFor(settings, installation, systemClock, env);
  return {
    installation,
    settings,
    store,
    git: gitFor(settings, settings.dataDir, env),
    evaluator,
    engines,
    available: availabilityFor(settings, engines),
    probe: probeFor(settings, limits),
    gateways,
    memory: memoryUse(),
    clock: systemClock,
    log: {
      info: (message, detail) => log('info', message, detail),
      warn: (message, detail) => log('warn', message, detail),
    },
    limits,
    reach: reachFrom(env),
    yieldTurn: () => setImmediate(),
  };
}

function answeringFor(reconciler: Reconciler, ports: Ports, connection: Connection, version: string): Answering {
  const { settings, store, git, evaluator, limits, engines } = ports;
  return {
    version,
    settings,
    connection,
    recorded: () => store.recorded,
    head: () => store.head,
    asOf: (repo) => reconciler.asOf(repo),
    passing: () => reconciler.isPassing,
    snapshot: () => reconciler.snapshot(),
    planning: { git, evaluator, limits, repo: settings.configRepo as RepoUrl },
    git,
    engines,
  };
}

function statusPorts(answering: Answering): Omit<StatusPorts, 'metrics'> {
  return {
    status: async ({ commit }) => answerStatus(answering, commit),
    planFor: ({ ref }, signal) => answerPlan(answering, ref, signal),
    audit: (filter) => answerAudit(answering, filter),
    logs: (query, signal) => answerLogs(answering, query, signal),
    tip: ({ env }, signal) => answerTipOf(answering, env, signal),
    explain: async (query) => answerExplain(answering, query),
  };
}

/** In the daemon a boundary is nothing; a test may have the process stop itself at some. */
function reachFrom(env: Environment): Boundary {
  const folder = env[FAILPOINTS_VARIABLE];
  return folder === undefined ? () => undefined : failpoints(folder);
}

/** Trees are not synced file by file, so what was made since the last stop in order may be incomplete after a power cut. */
async function recheckAfterUncleanStop(engines: Iterable<Engine>, marker: string, log: WriteLog): Promise<void> {
  const wasClean = existsSync(marker);
  const since = wasClean ? 0 : lastStart(marker);
  rmSync(marker, { force: true });
  const startedAt = sinceFile(marker);
  if (!wasClean) {
    for (const engine of engines) {
      const broken: readonly ArtifactKey[] = (await engine.recheck?.(since)) ?? [];
      if (broken.length > 0)
        log('warn', 'artifacts were incomplete after an unclean stop', { engine: engine.name, artifacts: broken });
    }
  }
  if (wasClean || !existsSync(startedAt)) writeFileSync(startedAt, `${new Date().toISOString()}\n`);
}

/** Written at the first start after each stop in order. */
function sinceFile(marker: string): string {
  return `${marker}.since`;
}

function lastStart(marker: string): number {
  const startedAt = sinceFile(marker);
  return existsSync(startedAt) ? statSync(startedAt).mtimeMs : 0;
}

async function stopInstances({ store, engines, limits, log }: Ports): Promise<void> {
  await Promise.all(
    [...store.recorded.instances.values()].map(async ({ id, target }) => {
      try {
        await engines.get(target.inputs.engine)?.stop(id, { graceMs: limits.graceMs });
      } catch (error) {
        log.warn(`stop of ${id}: ${problemOf(error).message}`);
      }
    }),
  );
}
