import { cpus } from 'node:os';
import { socketFolder } from '../gateway/control/socket-path.ts';
import { createGit } from '../git/create-git.ts';
import type { Git } from '../git/git.ts';
import type { Clock } from '../model/clock.ts';
import type { InstallationId } from '../model/ids.ts';
import { type ProxyAllow, parseAllow } from '../model/proxy-target.ts';
import type { EngineName } from '../model/revision.ts';
import type { Settings } from '../model/settings.ts';
import { defaultLimits, type Limits } from '../reconcile/ports.ts';
import { engineAvailability } from '../runtime/availability.ts';
import { DockerEngine } from '../runtime/docker/docker-engine.ts';
import type { Engine, EngineAvailability, Probe } from '../runtime/engine.ts';
import { createProbe } from '../runtime/health.ts';
import { ProcessEngine } from '../runtime/process/process-engine.ts';
import { ProxyEngine } from '../runtime/proxy/proxy-engine.ts';
import { StaticEngine } from '../runtime/static/static-engine.ts';
import { readBuiltinSpecs } from '../specs/builtin-specs.ts';
import type { EvaluationCache } from '../starlark/evaluation-cache.ts';
import { createEvaluator, type Evaluator } from '../starlark/evaluator.ts';
import type { Environment } from './environment.ts';
import { placesIn } from './places.ts';

/** Evaluates config trees as the settings say. */
export function evaluatorFor(settings: Settings, cache?: EvaluationCache): Evaluator {
  return createEvaluator({
    specs: readBuiltinSpecs(),
    domain: settings.domain,
    envDomain: settings.envDomain,
    statusHost: settings.status.host,
    timeoutMs: settings.starlark.timeoutMs,
    memoryBytes: settings.starlark.memoryBytes,
    ...(cache === undefined ? {} : { cache }),
  });
}

/** Git as the settings say, with its mirrors in `dataDir`. */
export function gitFor(settings: Settings, dataDir: string, env: Environment): Git {
  return createGit({ settings, dataDir, env });
}

/** The engines of this version. Those that the settings switch off are there too: what they started before has to end. */
export function enginesFor(
  settings: Settings,
  installation: InstallationId,
  clock: Clock,
  env: Environment,
): ReadonlyMap<EngineName, Engine> {
  const { dataDir } = settings;
  const engines: Engine[] = [
    new StaticEngine({ dataDir, clock }),
    new ProcessEngine({ dataDir, installation, clock, path: env.PATH ?? '/usr/local/bin:/usr/bin:/bin' }),
    new ProxyEngine({ dataDir, allow: allowOf(settings) }),
    dockerEngineFor(settings, installation, clock, env),
  ];
  return new Map(engines.map((engine) => [engine.name, engine]));
}

/** Containers, built and run as the settings say. */
function dockerEngineFor(
  { dataDir, engines, docker, registries }: Settings,
  installation: InstallationId,
  clock: Clock,
  env: Environment,
): DockerEngine {
  return new DockerEngine({ dataDir, installation, clock, env, engine: engines.docker, settings: docker, registries });
}

/** Which of the engines can be used, as the settings say and the machine is. */
export function availabilityFor(settings: Settings, engines: ReadonlyMap<EngineName, Engine>): EngineAvailability {
  const docker = engines.get('docker');
  return engineAvailability(settings, docker instanceof DockerEngine ? docker : { problem: () => null });
}

/** The probe as the settings say. */
export function probeFor(settings: Settings, limits: Pick<Limits, 'probeMs'>): Probe {
  return createProbe({ timeoutMs: limits.probeMs, allow: allowOf(settings) });
}

/** What proxy apps may lead to: never to our own sockets. */
function allowOf({ proxy, dataDir }: Settings): ProxyAllow {
  return parseAllow(proxy.allow, [socketFolder(placesIn(dataDir).controlSocket)]);
}

/** How much longer than a build is given its engine may take to say so, in milliseconds. */
const SPARE_BUILD_MS = 60_000;

/** The limits that suit this machine and these settings. */
export function limitsHere({ docker, engines }: Pick<Settings, 'docker' | 'engines'>): Limits {
  const limits = defaultLimits(cpus().length);
  return {
    ...limits,
    builds: engines.builds ?? limits.builds,
    buildMs: Math.max(limits.buildMs, docker.build.timeoutMs + SPARE_BUILD_MS),
  };
}
