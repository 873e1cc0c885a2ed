import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InstanceId } from '../model/ids.ts';
import type { EngineEvent } from './engine.ts';
import { EventHub } from './event-hub.ts';

const removed = (id: string): EngineEvent => ({ kind: 'removed', id: id as InstanceId });

async function take(events: AsyncIterable<EngineEvent>, count: number): Promise<EngineEvent[]> {
  const taken: EngineEvent[] = [];
  for await (const event of events) if (taken.push(event) === count) break;
  return taken;
}

test('a reader gets what happens after it asked, also before its first read', async () => {
  const hub = new EventHub();
  hub.publish(removed('before'));
  const events = hub.subscribe(AbortSignal.timeout(5_000));
  hub.publish(removed('a'));
  hub.publish(removed('b'));
  assert.deepEqual(await take(events, 2), [removed('a'), removed('b')]);
});

test('a reader ends when its signal aborts', async () => {
  const end = new AbortController();
  const reading = take(new EventHub().subscribe(end.signal), 1);
  end.abort();
  assert.deepEqual(await reading, []);
});

test('a reader that is far behind is told to look again', async () => {
  const hub = new EventHub();
  const events = hub.subscribe(AbortSignal.timeout(5_000));
  for (let n = 0; n <= 10_000; n++) hub.publish(removed(String(n)));
  assert.deepEqual(await take(events, 1), [{ kind: 'gap' }]);
});
