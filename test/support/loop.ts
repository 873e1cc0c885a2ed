import { chainEvent } from '../../src/audit/chain.ts';
import type { AppDeclaration } from '../../src/model/app.ts';
import type { PreviewPolicy } from '../../src/model/config.ts';
import { type AppId, type CommitId, type EnvName, PROD } from '../../src/model/ids.ts';
import type { RecordedDeployment } from '../../src/model/recorded.ts';
import type { Evaluator, Ports } from '../../src/reconcile/ports.ts';
import { Reconciler } from '../../src/reconcile/reconciler.ts';
import { withVacancies } from '../../src/reconcile/vacancies.ts';
import { Store } from '../../src/store/store.ts';
import { appDeclaration, CONFIG_REPO, declarations, settingsOf } from './declarations.ts';
import type { Files } from './fake-git.ts';
import { type TestPorts, type TestPortsEdit, testPorts } from './ports.ts';

type AppEdit = Parameters<typeof appDeclaration>[0];

/** A config in the words of these tests: the apps, and what main says of previews and releases. */
interface Config {
  readonly apps: readonly AppEdit[];
  readonly allowRemoval?: string;
  readonly atomic?: boolean;
  readonly previews?: Partial<PreviewPolicy>;
}

/** Takes the config file as JSON: what the real evaluator does with Starlark. */
const jsonEvaluator: Evaluator = {
  evaluate: async ({ files, read }) => {
    const file = files.find(({ path }) => path === 'config.json');
    const [bytes] = file === undefined ? [] : await read([file.oid]);
    const text = new TextDecoder().decode(bytes);
    if (text === 'broken')
      return {
        ok: false,
        errors: [{ code: 'config-invalid', file: 'config.json', line: 1, message: 'broken', hint: null }],
      };
    const config = JSON.parse(text) as Config;
    const apps = config.apps.map((edit): AppDeclaration => appDeclaration(edit));
    const { release, previews, ...declared } = declarations(apps, config.allowRemoval ?? null);
    const policy = { ...release, atomic: config.atomic ?? release.atomic };
    const all = { ...declared, release: policy, previews: { ...previews, ...config.previews } };
    return { ok: true, declarations: all, prints: [] };
  },
};

/** The whole loop in memory: repos, engines and a store that outlive the controllers that a test starts. */
export class Loop {
  readonly ports: TestPorts;
  reconciler: Reconciler;
  #folders: Files = {};
  #config: Config | 'broken' = { apps: [] };

  constructor(t: { after(fn: () => void | Promise<void>): void }, edit: TestPortsEdit = {}) {
    this.ports = testPorts(t, { evaluator: jsonEvaluator, settings: settingsOf({ retainMs: 3_600_000 }), ...edit });
    this.reconciler = new Reconciler(this.ports);
    t.after(() => this.stop());
  }

  /** Pushes a config, or files beside it; says which commit that is. */
  config(config: Config | 'broken'): CommitId {
    this.#config = config;
    return this.#push();
  }

  /** Pushes files of the config repo: the sources of apps declared with `folder`. */
  files(files: Files): CommitId {
    this.#folders = { ...this.#folders, ...files };
    return this.#push();
  }

  /** Pushes a config to a branch that begins from main; main is as it was. */
  branch(name: string, config: Config | 'broken', files: Files = {}): CommitId {
    const repo = this.ports.git.repo(CONFIG_REPO);
    const main = repo.branches.get('main');
    const all = { ...this.#folders, ...files, 'config.json': textOf(config) };
    return repo.push(all, name, main === undefined ? [] : [main]);
  }

  /** An app without a stage whose source is a folder of the config repo. Process apps have a Procfile there, others an index.html. */
  app(name: string, edit: AppEdit = {}): AppEdit {
    const file = edit?.spec === 'procfile' ? { [`${name}/Procfile`]: 'web: ./run' } : { [`${name}/index.html`]: name };
    this.#folders = { ...file, ...this.#folders };
    return { path: `/${name}`, source: { kind: 'config', folder: name }, stage: false, ...edit };
  }

  /** Starts, and lets so much time pass. */
  async start(ms = 1_000): Promise<void> {
    const started = this.reconciler.start();
    await this.pass(ms);
    await started;
  }

  /** Lets time pass. */
  pass(ms = 1_000): Promise<void> {
    return this.ports.clock.advance(ms);
  }

  /** Has it look now, and lets time pass. */
  async look(ms = 1_000): Promise<void> {
    this.reconciler.hint();
    await this.pass(ms);
  }

  /** Ends the controller in order, and gives what hangs the time that it is given. */
  async stop(): Promise<void> {
    const stopped = this.reconciler.stop();
    await this.pass(10_000);
    await stopped;
  }

  /** Ends the controller in order and makes another one, with what it reads from the store. */
  async restart(edit: Partial<Ports> = {}): Promise<void> {
    await this.stop();
    const { connection, clock } = this.ports;
    Object.assign(this.ports, {
      store: new Store({ connection, clock, chain: chainEvent, complete: withVacancies }),
      ...edit,
    });
    this.reconciler = new Reconciler(this.ports);
    await this.start();
  }

  deployment(name: string, env: string = PROD): RecordedDeployment | undefined {
    return this.ports.store.recorded.deployment(env as EnvName, `/${name}` as AppId);
  }

  /** What serves an app: its route's tree or URL; null if nothing does. */
  served(name: string): string | null {
    const target = this.ports.store.recorded.route('example.com', `/${name}`)?.serve?.target;
    if (target?.kind === 'static') return target.root;
    return target?.kind === 'http' ? target.url : null;
  }

  /** The kinds of events since the last call. */
  news(): string[] {
    const all = this.ports.events();
    const news = all.slice(this.#told);
    this.#told = all.length;
    return news;
  }

  #told = 0;

  #push(): CommitId {
    const repo = this.ports.git.repo(CONFIG_REPO);
    const before = repo.branches.get('main');
    const files = { ...this.#folders, 'config.json': textOf(this.#config) };
    return repo.push(files, 'main', before === undefined ? [] : [before]);
  }
}

function textOf(config: Config | 'broken'): string {
  return config === 'broken' ? 'broken' : JSON.stringify(config);
}
