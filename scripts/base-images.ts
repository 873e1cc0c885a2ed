// Makes stand-ins for the base images that tests build on, where no image registry can be reached:
// `node scripts/base-images.ts [--anew] [name …]`, in the engine of DOCKER_HOST. Never over an image of that name
// without --anew.
import Docker from 'dockerode';
import { makeStandIn, standInNames } from '../test/support/containers/base-images/base-images.ts';

const args = process.argv.slice(2);
const anew = args.includes('--anew');
const names = args.filter((arg) => !arg.startsWith('--'));
const docker = new Docker();
for (const name of names.length > 0 ? names : standInNames) {
  const startedMs = performance.now();
  await makeStandIn(docker, name, { anew });
  console.log(`${name} is there (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`);
}
