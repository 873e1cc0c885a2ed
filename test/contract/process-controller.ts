// A controller without a mind: builds, starts, stops and removes without end, until somebody kills it.
import type { InstallationId, InstanceId } from '../../src/model/ids.ts';
import { ProcessEngine } from '../../src/runtime/process/process-engine.ts';
import { systemClock } from './engine-contract.ts';
import { PROGRAM_PATH, STEADY_APP } from './process-fixture.ts';
import { buildOf, instanceOf, never } from './process-requests.ts';

const [dataDir = '', installation = ''] = process.argv.slice(2);
const engine = new ProcessEngine({
  ...{ dataDir, installation: installation as InstallationId, clock: systemClock, path: PROGRAM_PATH },
});
const request = buildOf(STEADY_APP, { build: 'setsid sleep 1000 & echo built > built' });
process.stdout.write('ready\n');
for (;;) {
  const artifact = await engine.build(request, never());
  process.stdout.write('built\n');
  const [a, b] = ['a', 'b'].map((id) => instanceOf(artifact, { id: id as InstanceId, dataName: `prod/${id}` }));
  if (a === undefined || b === undefined) throw new Error('unreachable');
  await Promise.all([engine.start(a, never()), engine.start(b, never())]);
  await engine.stop(a.id, { graceMs: 1_000 });
  await engine.start(a, never());
  await Promise.all([engine.remove(a.id), engine.remove(b.id)]);
  await engine.removeArtifact(request.key);
}
