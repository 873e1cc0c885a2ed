// A controller as `serve` makes one, but for process apps, which run on the engine in memory; told what to do over IPC by `../scale.ts`.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import { chainEvent } from '../../src/audit/chain.ts';
import { type ControlServer, startControlServer } from '../../src/gateway/control/control-server.ts';
import type { Settings } from '../../src/model/settings.ts';
import type { Ports } from '../../src/reconcile/ports.ts';
import { Reconciler } from '../../src/reconcile/reconciler.ts';
import { evaluatorFor, gitFor, limitsHere, probeFor } from '../../src/roles/controller-parts.ts';
import { placesIn } from '../../src/roles/places.ts';
import { systemClock } from '../../src/roles/system-clock.ts';
import { engineAvailability } from '../../src/runtime/availability.ts';
import type { Engine } from '../../src/runtime/engine.ts';
import { FakeEngine } from '../../src/runtime/fake/fake-engine.ts';
import { fakeProbe } from '../../src/runtime/fake/fake-probe.ts';
import { FakeWorld } from '../../src/runtime/fake/fake-world.ts';
import { StaticEngine } from '../../src/runtime/static/static-engine.ts';
import { loadSettings } from '../../src/settings/load.ts';
import { openDatabase } from '../../src/store/database.ts';
import { EvaluationTable } from '../../src/store/evaluations.ts';
import { installationId, Store } from '../../src/store/store.ts';
import type { Command, Reply } from './commands.ts';
import { Gate } from './gate.ts';
import { Watch } from './watch.ts';

const [settingsFile = '', worldFile = ''] = process.argv.slice(2);
const settings = await loadSettings(settingsFile, {});
const running = await boot(settings);
process.on('message', (command: Command) => void answer(command));
process.send?.({ type: 'booted', ms: performance.now() } satisfies Reply);

async function answer(command: Command): Promise<void> {
  process.send?.(await perform(command));
  if (command.do === 'stop') process.exit(0);
}

function perform(command: Command): Promise<Reply> {
  switch (command.do) {
    case 'start':
      return running.start(command.apps);
    case 'poll':
      return running.poll();
    case 'begin':
      return running.begin();
    case 'look':
      return running.look();
    case 'stop':
      return running.stop();
  }
}

async function boot(of: Settings) {
  const watch = new Watch(placesIn(of.dataDir).database);
  watch.begin();
  const connection = openDatabase(placesIn(of.dataDir).database);
  const installation = installationId(connection);
  // The same store, but it says when a look is over.
  class LookingStore extends Store {
    override setMeta(key: string, value: string): void {
      super.setMeta(key, value);
      if (key === 'looked_at') watch.note('looked');
    }
  }
  const store = new LookingStore({ connection, clock: systemClock, chain: chainEvent });
  const world = new FakeWorld();
  restoreWorld(world);
  const git = gitFor(of, of.dataDir, process.env);
  const evaluator = evaluatorFor(of, new EvaluationTable(connection));
  const limits = limitsHere(settings);
  const probe = probeFor(of, limits);
  const pretend = fakeProbe(world, systemClock);
  const gate = new Gate();
  let hint = () => {};
  const control: ControlServer = await startControlServer({
    socketPath: placesIn(of.dataDir).controlSocket,
    onHint: () => hint(),
  });
  const engines = [new StaticEngine({ dataDir: of.dataDir, clock: systemClock }), new FakeEngine(world, systemClock)];
  const ports: Ports = {
    installation,
    settings: of,
    store,
    // What is pushed is found by being told, so that the moment is known.
    git: {
      ...bound(git),
      watch: () => () => {},
      // The engine in memory has no folders.
      exportTree: async (repo, tree, into, signal) => {
        if (!into.startsWith('/fake/')) await git.exportTree(repo, tree, into, signal);
      },
    },
    evaluator: bound(evaluator),
    engines: new Map(engines.map((engine) => [engine.name, counted(engine, watch)])),
    available: engineAvailability(of, { problem: () => null }),
    probe: (target, check, signal) =>
      target.kind === 'static' ? probe(target, check, signal) : pretend(target, check, signal),
    gateways: control,
    memory: async () => null,
    clock: {
      ...systemClock,
      sleep: (ms, signal) => (ms === of.pollIntervalMs ? gate.next(signal) : systemClock.sleep(ms, signal)),
    },
    log: { info: () => {}, warn: (message) => console.error(message) },
    limits,
    reach: () => undefined,
    yieldTurn: () => nextTurn(),
  };
  const reconciler = new Reconciler(ports);
  hint = () => reconciler.hint();
  store.onChange((changes) => {
    for (const change of changes) {
      if ('audit' in change) {
        if (change.audit.kind === 'config.accepted') watch.note('accepted');
        if (change.audit.kind === 'deployment.planned' || change.audit.kind === 'deployment.settings')
          watch.note('planned');
        if (change.audit.kind === 'deployment.live') watch.note('firstLive');
      }
      if ('put' in change && change.put === 'config' && change.row.planned === change.row.accepted)
        watch.note('recorded');
    }
  });
  const isAtRest = (apps: number) => {
    // Each app is staged and live.
    if (store.recorded.deployments.size !== apps * 2) return false;
    for (const row of store.recorded.deployments.values()) if (row.live === null || row.next !== null) return false;
    return true;
  };
  const untilAtRest = async (apps: number) => {
    while (!isAtRest(apps)) await wait(20);
    watch.note('live');
  };
  return {
    start: async (apps: number) => {
      const started = reconciler.start().then(() => watch.note('started'));
      await untilAtRest(apps);
      await started;
      while (reconciler.isPassing || !watch.has('looked')) await wait(1);
      return watch.end();
    },
    poll: async () => {
      watch.begin();
      gate.open();
      while (!watch.has('looked') || reconciler.isPassing) await wait(1);
      watch.note('quiet');
      return watch.end();
    },
    begin: async () => {
      watch.begin();
      return watch.end();
    },
    look: async () => {
      const apps = store.recorded.deployments.size / 2;
      reconciler.hint();
      while (!watch.has('planned')) {
        if (watch.elapsed > 60_000) throw new Error('the change was not planned within a minute');
        await wait(1);
      }
      await untilAtRest(apps);
      return watch.end();
    },
    stop: async () => {
      await reconciler.stop();
      await control.close();
      await evaluator.close();
      await git.close();
      keepWorld(world);
      store.close();
      rmSync(join(of.dataDir, 'run'), { recursive: true, force: true });
      return watch.end();
    },
  };
}

/** An object of a class as a plain one, so that single methods can be put in their place. */
function bound<T extends object>(of: T): T {
  const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(of)).filter((name) => name !== 'constructor');
  return Object.fromEntries(
    methods.map((name) => [name, ((of as Record<string, unknown>)[name] as () => void).bind(of)]),
  ) as T;
}

/** The engine, with its calls counted by `ENGINE.method`. Being subscribed to is no question. */
function counted(engine: Engine, watch: Watch): Engine {
  return new Proxy(engine, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        const key = `${engine.name}.${String(name)}`;
        if (name !== 'events') watch.calls[key] = (watch.calls[key] ?? 0) + 1;
        return Reflect.apply(value, target, args) as unknown;
      };
    },
  });
}

/** What runs outlives the controller; here it is written down. */
function keepWorld(world: FakeWorld): void {
  const { instances, artifacts, data } = world;
  writeFileSync(worldFile, JSON.stringify({ instances: [...instances], artifacts: [...artifacts], data: [...data] }));
}

function restoreWorld(world: FakeWorld): void {
  try {
    const kept = JSON.parse(readFileSync(worldFile, 'utf8')) as Record<
      'instances' | 'artifacts' | 'data',
      [never, never][]
    >;
    for (const part of ['instances', 'artifacts', 'data'] as const)
      for (const [key, value] of kept[part]) (world[part] as Map<never, never>).set(key, value);
  } catch {
    // The first start.
  }
}
