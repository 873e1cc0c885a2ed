import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import type { InstallationId, InstanceId } from '../../src/model/ids.ts';
import { findParents } from '../../src/runtime/process/cgroups.ts';
import { Families } from '../../src/runtime/process/family.ts';
import { ProcessEngine, type ProcessEngineOptions } from '../../src/runtime/process/process-engine.ts';
import { systemProcessTable } from '../../src/runtime/process/process-table.ts';
import { systemClock } from './engine-contract.ts';
import { makeTempFolder } from './fixtures.ts';

/** Where the programs of test apps are: this Node first. */
export const PROGRAM_PATH = `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`;

/** An app that says who it is, notes it in its data folder, and answers with its environment. */
export const STEADY_APP = {
  Procfile: 'web: node app.cjs\n',
  'app.cjs': `
    const { MAINSPRING_INSTANCE: id, APP_DATA: data, PORT: port } = process.env;
    require('node:fs').appendFileSync(data + '/used', id + '\\n');
    require('node:http').createServer((_, response) => response.end(JSON.stringify(process.env))).listen(port, '127.0.0.1');
    console.log('this is ' + id);
  `,
};

/** A process engine for one test, and the means to make it anew and to look at what it made. */
export interface ProcessBench {
  readonly dataDir: string;
  readonly installation: InstallationId;
  /** The engine of the moment. */
  engine(): ProcessEngine;
  /** Lets go of the engine, and makes a new one on what is left. */
  restart(): Promise<ProcessEngine>;
  record(id: InstanceId): Promise<{ readonly pid: number; readonly port: number; readonly [key: string]: unknown }>;
  /** Pids of all processes that carry this installation's mark. */
  marked(): Promise<readonly number[]>;
}

/** Folders of this installation in the cgroup file system. */
export function cgroupsOf(installation: InstallationId): string[] {
  const { v1, v2 } = findParents();
  const folders = [...Object.values(v1), v2 ?? ''].map((parent) => join(parent, `mainspring-${installation}`));
  return folders.filter((folder) => existsSync(folder));
}

/** Makes a process engine. After the test nothing of it runs, and the test fails if the engine could not see to that itself. */
export async function processBench(t: TestContext, options: Partial<ProcessEngineOptions> = {}): Promise<ProcessBench> {
  const dataDir = await makeTempFolder();
  const installation = randomBytes(6).toString('hex') as InstallationId;
  const make = () =>
    new ProcessEngine({ dataDir, installation, clock: systemClock, path: PROGRAM_PATH, lookMs: 50, ...options });
  const families = new Families(systemProcessTable(), systemClock, installation);
  const marked = async () => (await families.allMarks()).map(({ info }) => info.pid);
  let engine = make();
  const restart = async () => {
    await engine.close();
    engine = make();
    return engine;
  };
  t.after(async () => {
    const last = await restart();
    for (const { id } of await last.list()) await last.remove(id);
    const kept = await last.list();
    await last.close();
    const left = await marked();
    for (const pid of left) process.kill(pid, 'SIGKILL');
    await rm(dataDir, { recursive: true, force: true });
    assert.deepEqual([left, kept], [[], []], 'processes or records were left behind');
    assert.deepEqual(cgroupsOf(installation), [], 'cgroups were left behind');
  });
  const record = async (id: InstanceId) =>
    JSON.parse(await readFile(join(dataDir, 'process', 'instances', `${id}.json`), 'utf8'));
  return { dataDir, installation, engine: () => engine, restart, record, marked };
}
