import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemProcessTable } from '../../src/runtime/process/process-table.ts';
import { describeEngineContract, eventually } from './engine-contract.ts';
import { exporting } from './fixtures.ts';
import { processBench, STEADY_APP } from './process-fixture.ts';

describeEngineContract(
  'process',
  { builds: true, runs: true, noticesLostArtifacts: true, pauses: false },
  async (t) => {
    const bench = await processBench(t);
    return {
      engine: bench.engine(),
      restart: bench.restart,
      source: (kind, name) => ({
        spec: 'procfile',
        exportTree: exporting(kind === 'brief' ? { Procfile: 'web: exit 3' } : { ...STEADY_APP, name }),
      }),
      kill: async (id) => {
        const { pid } = await bench.record(id);
        process.kill(pid, 'SIGKILL');
        await eventually(() => (systemProcessTable().find(pid)?.isZombie === false ? undefined : true));
      },
      loseArtifact: (key) => rm(join(bench.dataDir, 'process', 'artifacts', key), { recursive: true }),
      dataUsers: async (dataName) => {
        const file = join(bench.dataDir, 'process', 'data', dataName, 'used');
        const text = await readFile(file, 'utf8').catch(() => '');
        return text.split('\n').filter(Boolean);
      },
    };
  },
);
