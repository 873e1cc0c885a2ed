import Database from 'better-sqlite3';
import { chainEvent } from '../../src/audit/chain.ts';
import { readAudit } from '../../src/audit/log.ts';
import type { AuditEvent } from '../../src/model/audit.ts';
import { MainspringError } from '../../src/model/errors.ts';
import type { InstallationId } from '../../src/model/ids.ts';
import { defaultLimits, type Ports } from '../../src/reconcile/ports.ts';
import { withVacancies } from '../../src/reconcile/vacancies.ts';
import { type FakeCall, FakeEngine, type FakeFault } from '../../src/runtime/fake/fake-engine.ts';
import { fakeProbe } from '../../src/runtime/fake/fake-probe.ts';
import { FakeWorld } from '../../src/runtime/fake/fake-world.ts';
import { Connection, type Outlives, prepareDatabase, type Query } from '../../src/store/database.ts';
import { Store } from '../../src/store/store.ts';
import { SimClock } from '../simulation/sim-clock.ts';
import { settingsOf } from './declarations.ts';
import { FakeGit } from './fake-git.ts';
import { AT } from './recorded.ts';

/** A database in memory whose disk can be full. */
export class TestConnection extends Connection {
  isFull = false;

  override write(queries: readonly Query[], outlives?: Outlives): void {
    if (this.isFull) throw new MainspringError('store-full', 'store: the disk is full', { retry: 'after-interval' });
    super.write(queries, outlives);
  }
}

/** What reconcile works with, in memory, and what a test looks at. */
export interface TestPorts extends Ports {
  readonly clock: SimClock;
  readonly git: FakeGit;
  readonly connection: TestConnection;
  readonly world: FakeWorld;
  readonly warnings: string[];
  /** The kinds of all events so far. */
  events(): string[];
}

/** What differs from the ports that a test gets; how instances behave, and what goes wrong with calls of engines. */
export interface TestPortsEdit extends Partial<Ports> {
  readonly behave?: ConstructorParameters<typeof FakeWorld>[0];
  readonly fault?: (call: FakeCall) => FakeFault;
  /** The engine of process apps can pause them. */
  readonly pauses?: boolean;
}

/** Ports in memory: a clock that stands still, fake git, fake engines for static and process apps. */
export function testPorts(
  t: { after(fn: () => void): void },
  { behave = () => ({}), fault = () => 'none', pauses = false, ...edit }: TestPortsEdit = {},
): TestPorts {
  const clock = new SimClock(AT);
  const db = new Database(':memory:');
  prepareDatabase(db, ':memory:');
  t.after(() => db.close());
  const connection = new TestConnection(db, ':memory:');
  const git = new FakeGit();
  git.now = () => clock.now();
  const world = new FakeWorld(behave);
  const warnings: string[] = [];
  return {
    installation: 'test' as InstallationId,
    settings: settingsOf(),
    store: new Store({ connection, clock, chain: chainEvent, complete: withVacancies }),
    evaluator: { evaluate: () => Promise.reject(new Error('no evaluator here')) },
    engines: new Map(
      (['static', 'process'] as const).map((name) => [
        name,
        new FakeEngine(world, clock, { name, fault, pauses: pauses && name === 'process' }),
      ]),
    ),
    available: () => null,
    probe: fakeProbe(world, clock),
    gateways: {
      announce: () => {},
      applied: async () => {},
      idle: async () => {},
      endTunnels: () => {},
      use: async () => ({ inFlight: 0, streams: 0, idleMs: 0 }),
    },
    memory: async () => null,
    log: { info: () => {}, warn: (message) => warnings.push(message) },
    limits: defaultLimits(4),
    reach: () => undefined,
    yieldTurn: async () => {},
    ...edit,
    clock,
    git,
    connection,
    world,
    warnings,
    events: () => [...readAudit(connection)].map((event: AuditEvent) => event.kind),
  };
}
