import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { StaticEngine } from '../../src/runtime/static/static-engine.ts';
import { describeEngineContract, systemClock } from './engine-contract.ts';
import { exporting, tempFolder } from './fixtures.ts';

describeEngineContract(
  'static',
  { builds: true, runs: false, noticesLostArtifacts: true, pauses: false },
  async (t) => {
    const dataDir = await tempFolder(t);
    let engine = new StaticEngine({ dataDir, clock: systemClock });
    t.after(() => engine.close());
    return {
      engine,
      restart: async () => {
        await engine.close();
        engine = new StaticEngine({ dataDir, clock: systemClock });
        return engine;
      },
      source: (_, name) => ({ spec: 'static', exportTree: exporting({ 'index.html': name, 'a/b.txt': 'b' }) }),
      kill: async () => undefined,
      loseArtifact: (key) => rm(join(dataDir, 'trees', key), { recursive: true }),
      dataUsers: async () => [],
    };
  },
);
