import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import type { AuditLine, Status } from '../../../src/model/surface.ts';
import { findParents } from '../../../src/runtime/process/cgroups.ts';
import { root as checkout } from '../../imports.ts';
import type { Cleanup } from '../../support/cleanup.ts';
import { freePort } from '../../support/free-port.ts';
import { type TempRepo, tempRepo } from '../../support/git-repo.ts';
import type { Files } from './apps.ts';
import { Daemon, PROGRAM, type StartOptions } from './daemon.ts';
import { eventually } from './eventually.ts';
import { ask, type HttpAnswer } from './http.ts';
import { type FoundProcess, processesOf, signal } from './process-scan.ts';
import { type SettingsValues, settingsText } from './settings-text.ts';

/** What a command printed and how it ended. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Commits of which everything that they bring must have come to rest. */
export interface SettledOn {
  readonly config: string;
  /** Commits of source repos, by the app that must run from them (or have failed to). */
  readonly sources?: Readonly<Record<string, string>>;
}

/** One Mainspring on this machine with its repos, in a folder of its own. After the test nothing of it is left, whatever happened. */
export class Installation {
  readonly root: string;
  readonly port: number;
  readonly config: TempRepo;
  readonly settings: SettingsValues;
  daemon: Daemon | null = null;
  readonly #t: Cleanup;
  #id: string | null = null;
  readonly #repos = new Map<string, TempRepo>();
  /** Every commit that was pushed, by what it is called in an inventory: `config 1`, `work 2`. */
  readonly commits = new Map<string, string>();

  private constructor(t: Cleanup, made: Pick<Installation, 'root' | 'port' | 'config' | 'settings'>) {
    this.#t = t;
    this.root = made.root;
    this.port = made.port;
    this.config = made.config;
    this.settings = made.settings;
    this.#repos.set('config', made.config);
  }

  /** Makes repos and settings by the real `init`. Nothing runs yet. */
  static async create(t: Cleanup, files: Files, settings: Partial<SettingsValues> = {}): Promise<Installation> {
    const root = mkdtempSync(join(tmpdir(), 'mainspring-e2e-'));
    // Apps run as users of their own, which have to get to their folders.
    chmodSync(root, 0o755);
    for (const folder of ['repos', 'tmp']) mkdirSync(join(root, folder));
    chmodSync(join(root, 'tmp'), 0o1777);
    const port = await freePort();
    const config = await tempRepo(t, { root: join(root, 'repos'), name: 'config' });
    const values = { ...settingsFor(root, port, config.bare), ...settings };
    const made = new Installation(t, { root, port, config, settings: values });
    made.#cleanUpLater();
    await made.push('config', files);
    const init = ['init', config.bare, '--dir', root, '--listen', `127.0.0.1:${port}`];
    const { code, stderr } = await made.command(init);
    if (code !== 0) throw new Error(`init: ${stderr}`);
    await made.writeSettings({});
    return made;
  }

  get file(): string {
    return join(this.root, 'mainspring.toml');
  }

  get data(): string {
    return join(this.root, 'data');
  }

  /** The environment of everything that is started here: nothing of the settings of whoever runs the tests. */
  get environment(): Record<string, string> {
    const path = `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`;
    // What `bin/mainspring` sets: types are stripped once and not at each start.
    const cache = { NODE_COMPILE_CACHE: join(checkout, 'node_modules/.compile-cache') };
    return { ...cache, PATH: path, HOME: this.root, TMPDIR: join(this.root, 'tmp'), LC_ALL: 'C.UTF-8' };
  }

  /** Writes the settings again with these changes. */
  async writeSettings(changes: Partial<SettingsValues>): Promise<void> {
    Object.assign(this.settings, changes);
    await writeFile(this.file, settingsText(this.settings));
  }

  /** A source repo, made when it is first named. */
  async repo(name: string): Promise<TempRepo> {
    const known = this.#repos.get(name);
    if (known !== undefined) return known;
    const made = await tempRepo(this.#t, { root: join(this.root, 'repos'), name });
    this.#repos.set(name, made);
    return made;
  }

  /** Commits files and pushes them with the real git; gives the commit. */
  push(name: string, files: Files): Promise<string> {
    return this.pushMade(name, ({ commit }) => commit(files));
  }

  /** Pushes what is made on the branch that is checked out, a merge or a revert say; gives the commit. */
  async pushMade(name: string, make: (repo: TempRepo) => Promise<unknown>): Promise<string> {
    const repo = await this.repo(name);
    await make(repo);
    const commit = await repo.push();
    const count = [...this.commits.values()].filter((label) => label.startsWith(`${name} `)).length;
    this.commits.set(commit, `${name} ${count + 1}`);
    return commit;
  }

  /** Starts the daemon and waits until it says that it is ready. */
  async serve(options: StartOptions = {}): Promise<Daemon> {
    this.daemon = Daemon.start(this, options);
    await this.daemon.ready();
    return this.daemon;
  }

  /** Runs a command of the program on these settings to its end. */
  run(...args: readonly string[]): Promise<Ran> {
    return this.command([...args, '--config', this.file]);
  }

  /** Runs a command of the program as it is given. */
  command(args: readonly string[]): Promise<Ran> {
    return new Promise((resolve) => {
      const options = { cwd: this.root, env: this.environment, timeout: 120_000, maxBuffer: 64 << 20 };
      execFile(PROGRAM[0], [...PROGRAM.slice(1), ...args], options, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, stdout, stderr });
      });
    });
  }

  /** Asks the gateway as a client outside. */
  get(path: string, host = 'localhost'): Promise<HttpAnswer> {
    return ask({ port: this.port, path, host });
  }

  /** The same for a path that may be one of another host, `//HOST/PATH`. */
  getAt(place: string): Promise<HttpAnswer> {
    const [, host = 'localhost', path = place] = /^\/\/([^/]+)(.*)$/.exec(place) ?? [];
    return this.get(path, host);
  }

  /** The status as the status host gives it. */
  async status(): Promise<Status> {
    const { status, body } = await this.get('/api/v1/status', 'mainspring.localhost');
    if (status !== 200) throw new Error(`status: ${status} ${body}`);
    return JSON.parse(body) as Status;
  }

  /** The whole audit log as the status host gives it. */
  async audit(): Promise<AuditLine[]> {
    const { status, body } = await this.get('/api/v1/audit', 'mainspring.localhost');
    if (status !== 200) throw new Error(`audit: ${status} ${body}`);
    return body
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as AuditLine);
  }

  /** Waits until nothing moves any more and these commits are what was acted on. */
  async settled(on: SettledOn): Promise<Status> {
    let last: Status | null = null;
    return eventually(
      async () => {
        last = await this.status();
        return isSettledOn(last, on) ? last : undefined;
      },
      { within: 60_000, what: () => `settled on ${JSON.stringify(on)}, but is ${JSON.stringify(last)}` },
    );
  }

  /** The id that its store has, remembered when all else is removed; null before there is one. */
  get installationId(): string | null {
    this.#id ??= readId(join(this.data, 'mainspring.db'));
    return this.#id;
  }

  /** Everything that runs for it: daemon, apps, builds and what they left. */
  processes(): FoundProcess[] {
    return processesOf(this.root, this.installationId);
  }

  /** Its folders in the cgroup file system. */
  cgroups(): string[] {
    const { v1, v2 } = findParents();
    const id = this.installationId;
    if (id === null) return [];
    const parents = [...new Set([...Object.values(v1), ...(v2 === null ? [] : [v2])])];
    return parents.map((parent) => join(parent, `mainspring-${id}`)).filter((folder) => existsSync(folder));
  }

  /** Kills everything that runs for it, until nothing does. */
  killAll(): void {
    for (let left = this.processes(); left.length > 0; left = this.processes())
      for (const { pid } of left) signal(pid, 'SIGKILL');
  }

  /** Ends everything at once and removes it. */
  #cleanUpLater(): void {
    const cleanUp = () => {
      this.killAll();
      for (const folder of this.cgroups()) removeCgroup(folder);
      rmSync(this.root, { recursive: true, force: true, maxRetries: 3 });
    };
    // Also when the runner gives up on this file: its time limit ends the process by SIGTERM.
    const giveUp = () => {
      cleanUp();
      process.exit(1);
    };
    process.on('exit', cleanUp).on('SIGTERM', giveUp).on('SIGINT', giveUp);
    this.#t.after(() => {
      process.off('exit', cleanUp).off('SIGTERM', giveUp).off('SIGINT', giveUp);
      cleanUp();
    });
  }
}

function readId(file: string): string | null {
  if (!existsSync(file)) return null;
  const db = new Database(file, { readonly: true });
  try {
    const row = db.prepare("SELECT value FROM meta WHERE key = 'installation'").get() as { value: string } | undefined;
    return row?.value ?? null;
  } finally {
    db.close();
  }
}

function isSettledOn({ config, settled, environments }: Status, on: SettledOn): boolean {
  if (!settled || config.commit !== on.config) return false;
  const deployments = environments.flatMap((environment) => environment.deployments);
  return Object.entries(on.sources ?? {}).every(([app, commit]) => {
    const found = deployments.find((deployment) => deployment.app === app);
    return (found?.next ?? found?.live)?.source_commit === commit;
  });
}

function settingsFor(root: string, port: number, configRepo: string): SettingsValues {
  return {
    configRepo,
    listen: `127.0.0.1:${port}`,
    publicUrl: null,
    pollInterval: '5s',
    retain: '7d',
    localRoots: [join(root, 'repos')],
    process: 'prod',
    docker: 'off',
    onExit: 'keep',
    gateways: 1,
    proxyAllow: [],
    more: '',
  };
}

/** The kernel keeps a cgroup for a moment after its last process has ended. */
function removeCgroup(folder: string): void {
  const deadline = performance.now() + 2_000;
  while (existsSync(folder)) {
    try {
      for (const item of readdirSync(folder, { withFileTypes: true }))
        if (item.isDirectory()) removeCgroup(join(folder, item.name));
      rmdirSync(folder);
    } catch (error) {
      if (performance.now() > deadline) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}
