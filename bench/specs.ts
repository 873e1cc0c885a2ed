// What an app of each spec costs: `npm run bench -- specs`. The examples, each built by the product in an engine of the bench's own:
// with nothing in its cache, and after a change of one source file; the image, the first answer, the memory of one that nobody asks.
import { setTimeout as delay } from 'node:timers/promises';
import type Docker from 'dockerode';
import { type ContainerTeam, containerTeam } from '../test/e2e/support/container-team.ts';
import { eventually } from '../test/e2e/support/eventually.ts';
import { ask } from '../test/e2e/support/http.ts';
import { EXAMPLE_BASES, exampleFiles, exampleNames } from '../test/specs/example-files.ts';
import { answer } from '../test/support/containers/answer.ts';
import { haveBaseImages, standInsVariable } from '../test/support/containers/docker.ts';
import { startDocker } from '../test/support/containers/docker-daemon.ts';
import { connectDocker, socketOf } from '../test/support/containers/find-docker.ts';
import { type Figure, printReport } from './report.ts';
import { inWorkplace, type Workplace } from './workplace.ts';

const NAMES = exampleNames.filter((name) => (process.env.BENCH_SPECS ?? name).split(',').includes(name));
const BUILD_MS = 8 * 60_000;
/** How long nobody asks for an app before its memory is looked at. */
const QUIET_MS = 5_000;

async function run(at: Workplace): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new Error('specs: an engine of its own, whose cache is empty, is started as root only');
  const engine = await startDocker(process.env);
  at.atEnd(() => engine.end());
  const docker = connectDocker(engine.host, process.env);
  await haveBaseImages(docker, EXAMPLE_BASES, { ...process.env, [standInsVariable]: 'yes' });
  const figures: Figure[] = [];
  for (const name of NAMES) {
    // What two specs share, pip's own cache for one, would make the second one look quick.
    await answer(docker.pruneBuilder({ all: true } as object));
    figures.push(...(await measure(at, name, engine.host)));
    console.error(
      figures
        .slice(-5)
        .map(({ name, value, unit }) => `${name} ${value.toFixed(2)} ${unit}`)
        .join('; '),
    );
  }
  printReport({ part: 'specs', title: 'apps of each spec: the examples', figures });
}

async function measure(at: Workplace, name: string, host: string): Promise<Figure[]> {
  const docker = connectDocker(host, process.env);
  const files = exampleFiles(name);
  const made = await containerTeam({ after: (end) => at.atEnd(end) }, socketOf(host), () => ({ 'apps.star': '' }));
  const { team } = made;
  const { installation } = team;
  await team.serve();
  const cold = await built(made, { ...files, 'apps.star': declared(name, '{"pause": "1h", "stop": "2h"}') });
  await delay(QUIET_MS);
  const [{ id = '', image = '' } = {}] = await made.view.containers();
  const [{ Size: size }, memory] = [await docker.getImage(image).inspect(), await memoryOf(docker, id)];
  const [path = '', text = ''] = Object.entries(files).find(([file]) => SOURCE.test(file)) ?? [];
  const warm = await built(made, { [path]: `${text}\n${path.endsWith('.py') ? '#' : '//'} changed\n` });
  await installation.push('config', { 'apps.star': declared(name, '{"pause": "1s", "stop": "2s"}') });
  await team.hint();
  await eventually(async () => (await made.view.containers()).every(({ state }) => state === 'exited') || undefined, {
    within: 60_000,
    every: 100,
    what: `${name} asleep`,
  });
  const began = performance.now();
  const { status } = await ask({ port: installation.port, path: `/${name}/`, timeoutMs: 60_000 });
  const first = (performance.now() - began) / 1000;
  if (status !== 200) throw new Error(`${name}: ${status}`);
  await installation.daemon?.stop();
  await made.view.removeAll();
  return [
    { name: `${name}: build, nothing cached`, value: cold, unit: 's' },
    { name: `${name}: build, one source file changed`, value: warm, unit: 's' },
    { name: `${name}: image`, value: size / 1e6, unit: 'MB' },
    { name: `${name}: stopped, request until its answer`, value: first, unit: 's' },
    { name: `${name}: memory, idle`, value: memory, unit: 'MB' },
  ];
}

/** Files that are the program of an example. */
const SOURCE = /\/(app|main|server|index|hello|wsgi)\.(py|go|js|ts)$|\.java$/;

function declared(name: string, idle: string): string {
  return `app("/${name}", "./${name}", stage = False, idle = ${idle})\n`;
}

/** From the end of a push until its image is there, in seconds. Resolves once it is live. */
async function built({ team }: ContainerTeam, files: Readonly<Record<string, string>>): Promise<number> {
  const line = await team.newest();
  await team.installation.push('config', files);
  const began = Date.now();
  await team.hint();
  const [told] = await eventually(
    async () => {
      const lines = await team.audit(['artifact.built', 'artifact.failed'], line);
      return lines.length > 0 ? lines : undefined;
    },
    { within: BUILD_MS, every: 250, what: 'a build' },
  );
  if (told?.kind !== 'artifact.built') throw new Error(JSON.stringify(told?.detail));
  await team.settled();
  return (Date.parse(told.at) - began) / 1000;
}

/** What a container holds in memory besides the files that the kernel may drop, as `docker stats` counts. */
async function memoryOf(docker: Docker, id: string): Promise<number> {
  const { memory_stats: memory } = await answer(docker.getContainer(id).stats({ stream: false }));
  const { total_inactive_file: v1, inactive_file: v2 } = memory.stats as {
    total_inactive_file?: number;
    inactive_file?: number;
  };
  return (memory.usage - (v1 ?? v2 ?? 0)) / 1e6;
}

await inWorkplace(run);
