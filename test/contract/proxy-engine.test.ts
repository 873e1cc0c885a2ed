import { ALLOW_NOTHING } from '../../src/model/proxy-target.ts';
import { ProxyEngine } from '../../src/runtime/proxy/proxy-engine.ts';
import { describeEngineContract } from './engine-contract.ts';
import { tempFolder } from './fixtures.ts';

describeEngineContract(
  'proxy',
  { builds: false, runs: false, noticesLostArtifacts: false, pauses: false },
  async (t) => {
    const dataDir = await tempFolder(t);
    let engine = new ProxyEngine({ dataDir, allow: ALLOW_NOTHING });
    t.after(() => engine.close());
    return {
      engine,
      restart: async () => {
        await engine.close();
        engine = new ProxyEngine({ dataDir, allow: ALLOW_NOTHING });
        return engine;
      },
      source: () => ({ spec: 'proxy', exportTree: null }),
      kill: async () => undefined,
      loseArtifact: async () => undefined,
      dataUsers: async () => [],
    };
  },
);
