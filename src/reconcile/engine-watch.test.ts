import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ListedEngine } from '../../test/support/listed-engine.ts';
import { testPorts } from '../../test/support/ports.ts';
import type { InstanceId } from '../model/ids.ts';
import type { EngineEvent } from '../runtime/engine.ts';
import { Driver } from './driver.ts';
import { EngineWatch } from './engine-watch.ts';

/** A watched engine, and what the driver was told. */
function watching(t: Parameters<typeof testPorts>[0]) {
  const ports = testPorts(t);
  const engine = new ListedEngine(ports.clock);
  const driver = new Driver(ports);
  const seen: string[] = [];
  driver.observe = (event) => void seen.push(event.kind);
  const stop = new AbortController();
  const watch = new EngineWatch(engine, ports, driver, stop.signal);
  t.after(() => stop.abort());
  return {
    ports,
    engine,
    driver,
    seen,
    watch,
    stop,
    listings: () => engine.calls.filter((call) => call === 'list').length,
  };
}

const exited: EngineEvent = { kind: 'exited', id: 'i1' as InstanceId, reason: 'exit 1' };

/** A stream that gives these events and then ends in the way that is said. */
function stream(events: readonly EngineEvent[], end: 'waits' | 'ends' | 'fails') {
  return async function* (signal: AbortSignal): AsyncGenerator<EngineEvent> {
    yield* events;
    if (end === 'fails') throw new Error('connection lost');
    if (end === 'waits') await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  };
}

test('a start adopts once, and events are passed on', async (t) => {
  const { ports, engine, seen, watch, listings } = watching(t);
  engine.stream = stream([exited], 'waits');
  await watch.start();
  await ports.clock.advance(0);
  assert.deepEqual([listings(), seen], [1, ['exited']]);
});

test('after a gap the engine is listed again; many gaps at once are one listing more', async (t) => {
  const { ports, engine, watch, listings } = watching(t);
  const gaps = Array.from({ length: 50 }, (): EngineEvent => ({ kind: 'gap' }));
  engine.stream = stream(gaps, 'waits');
  engine.meanwhile = () => ports.clock.sleep(100);
  const started = watch.start();
  await ports.clock.advance(1_000);
  await started;
  assert.equal(listings(), 2);
});

test('an event that can not be recorded leads to a listing', async (t) => {
  const { ports, engine, driver, watch, listings } = watching(t);
  driver.observe = () => {
    throw new Error('store: the disk is full');
  };
  await watch.start();
  assert.equal(listings(), 1);
  engine.stream = stream([exited], 'waits');
  const again = new EngineWatch(engine, ports, driver, AbortSignal.timeout(60_000));
  await again.start();
  await ports.clock.advance(0);
  assert.match(ports.warnings.join('\n'), /event of "static": store: the disk is full/);
  assert.ok(listings() >= 2);
});

for (const end of ['ends', 'fails'] as const) {
  test(`a stream of events that ${end} is taken up again after a pause, and the engine is listed: something may have been missed`, async (t) => {
    const { ports, engine, seen, watch, listings } = watching(t);
    engine.stream = stream([], end);
    await watch.start();
    engine.stream = stream([exited], 'waits');
    await ports.clock.advance(2_000);
    assert.deepEqual([seen, listings()], [['exited'], 2]);
  });
}

test('an adoption that fails is tried again with growing pauses until it succeeds', async (t) => {
  const { ports, engine, watch, listings } = watching(t);
  engine.meanwhile = () => {
    if (listings() < 4) throw new Error('not now');
  };
  const started = watch.start();
  await ports.clock.advance(6_999);
  assert.equal(listings(), 3);
  await ports.clock.advance(1);
  await started;
  assert.equal(listings(), 4);
});

test('when it is told to end, it ends: in a pause, in a listing, and in the stream', async (t) => {
  const { ports, engine, watch, stop, listings } = watching(t);
  engine.meanwhile = () => new Promise(() => {});
  const started = watch.start();
  await ports.clock.advance(0);
  stop.abort(new DOMException('stopping', 'AbortError'));
  await ports.clock.advance(5_000);
  await started;
  await watch.ended();
  assert.deepEqual([listings(), ports.warnings], [1, []]);
});
