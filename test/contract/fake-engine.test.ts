import { FakeEngine } from '../../src/runtime/fake/fake-engine.ts';
import { type FakeBehaviour, FakeWorld } from '../../src/runtime/fake/fake-world.ts';
import { describeEngineContract, systemClock } from './engine-contract.ts';

describeEngineContract('fake', { builds: true, runs: true, noticesLostArtifacts: true, pauses: true }, async (t) => {
  const world = new FakeWorld((request): FakeBehaviour => (request.id.startsWith('brief') ? { dies: 'at-start' } : {}));
  let engine = new FakeEngine(world, systemClock, { pauses: true });
  t.after(() => engine.close());
  return {
    engine,
    restart: async () => {
      engine.crash();
      engine = new FakeEngine(world, systemClock, { pauses: true });
      return engine;
    },
    source: () => ({ spec: 'procfile', exportTree: async () => undefined }),
    kill: async (id) => world.kill(id),
    pauseByHand: async (id) => world.freezeByHand(id, { paused: true }),
    loseArtifact: async (key) => world.loseArtifact(key),
    dataUsers: async (dataName) => world.data.get(dataName) ?? [],
  };
});
