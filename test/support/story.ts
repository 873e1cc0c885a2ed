import { readAudit } from '../../src/audit/log.ts';
import type { Evaluation } from '../../src/model/config.ts';
import { parseDurationMs } from '../../src/model/duration.ts';
import type { EnvKind } from '../../src/model/environment.ts';
import type { AppId, EnvName } from '../../src/model/ids.ts';
import type { RecordedDeployment, RecordedEnvironment } from '../../src/model/recorded.ts';
import type { Evaluator } from '../../src/reconcile/ports.ts';
import { Reconciler } from '../../src/reconcile/reconciler.ts';
import type { Evaluator as RealEvaluator } from '../../src/starlark/evaluator.ts';
import { statusOf } from '../../src/status/status-value.ts';
import { never, treeOf } from './config.ts';
import { CONFIG_REPO, settingsOf } from './declarations.ts';
import { type TestPorts, testPorts } from './ports.ts';
import { StoryRepos } from './story-repos.ts';

/** Long enough for what is sick to be given up. */
const UNTIL_REST_MS = 180_000;
const HOUR_MS = 3_600_000;

/** A look at the memory each five seconds would be most of what happens in a story that lasts for weeks. */
const UNWATCHED = { ...settingsOf().engines, memoryPressure: null };

/**
 * Runs what a story of the docs tells, on the whole loop in memory and with the real evaluator: what was pushed, merged or deleted, and
 * what there is then. A version that begins with `sick` never gets healthy.
 */
export class Story {
  readonly #ports: TestPorts;
  readonly #repos: StoryRepos;
  readonly #real: RealEvaluator;
  readonly #evaluations = new Map<string, Evaluation>();
  #isStarted = false;
  #told = 0;

  private constructor(t: { after(fn: () => void | Promise<void>): void }, real: RealEvaluator) {
    this.#real = real;
    this.#ports = testPorts(t, {
      evaluator: this.#evaluator(),
      settings: settingsOf({ pollIntervalMs: HOUR_MS, engines: UNWATCHED }),
      behave: ({ artifact }) => {
        const tree = this.#ports.store.recorded.artifacts.get(artifact.key)?.inputs.tree ?? null;
        return this.#repos.versionOf(tree).startsWith('sick') ? { healthy: 'never' } : {};
      },
    });
    this.#repos = new StoryRepos(this.#ports.git);
  }

  /** A story in which main says this. */
  static async begin(
    t: { after(fn: () => void | Promise<void>): void },
    real: RealEvaluator,
    config: string,
  ): Promise<Story> {
    const story = new Story(t, real);
    await story.#setConfig('main', config);
    return story;
  }

  /** Does what a line of a story says, and lets all come to rest. */
  async tell(line: string): Promise<void> {
    if (line.startsWith('before: ')) return this.#act(line.slice('before: '.length));
    if (line !== 'start') {
      await this.start();
      await this.#act(line);
    }
    await this.start();
    this.#reconciler?.hint();
    await this.#ports.clock.advance(UNTIL_REST_MS);
  }

  #reconciler: Reconciler | null = null;

  /** Starts the loop, with what is there by then. */
  async start(): Promise<void> {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#reconciler = new Reconciler(this.#ports);
    const started = this.#reconciler.start();
    await this.#ports.clock.advance(UNTIL_REST_MS);
    await started;
    this.#told = [...readAudit(this.#ports.connection)].length;
  }

  /** Ends the loop. */
  async end(): Promise<void> {
    const stopped = this.#reconciler?.stop();
    await this.#ports.clock.advance(10_000);
    await stopped;
  }

  /** What runs in an environment of a kind: `sales 1, wiki 1`; of previews each by its name. A dash where there is nothing. */
  runs(kind: EnvKind): string {
    const { environments } = this.#ports.store.recorded;
    const found = [...environments.values()]
      .filter((one) => one.kind === kind)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    const texts = found.map((one) => (kind === 'preview' ? `${one.name}: ${this.#inside(one)}` : this.#inside(one)));
    return texts.join('; ') || '–';
  }

  /** What is said since it was asked last: events, and what the status says now. And how much was built. */
  news(): { readonly said: string; readonly built: number } {
    const { store, connection } = this.#ports;
    const events = [...readAudit(connection)].slice(this.#told);
    this.#told += events.length;
    const facts = {
      version: '',
      repo: CONFIG_REPO,
      branch: 'main',
      head: '',
      asOf: () => null,
      passing: false,
      notInEffect: [],
    };
    const { environments, releases, sources, config } = statusOf(store.recorded, facts);
    return {
      said: `${JSON.stringify({ environments, releases, sources, config })} ${JSON.stringify(events)}`.replaceAll(
        '\\"',
        '"',
      ),
      built: events.filter(({ kind }) => kind === 'artifact.built').length,
    };
  }

  #inside({ name, parked }: RecordedEnvironment): string {
    if (parked !== null) return 'parked';
    const rows = [...this.#ports.store.recorded.deployments.values()].filter(({ env }) => env === name);
    const texts = rows.sort((a, b) => (a.app < b.app ? -1 : 1)).flatMap((row) => this.#serves(row) ?? []);
    return texts.join(', ') || '–';
  }

  #serves({ app, live }: RecordedDeployment): string | null {
    if (live === null) return null;
    const { host, path } = live.target.policy;
    const route = this.#ports.store.recorded.route(host, path);
    if (route?.serve?.instance !== live.instance) return null;
    return `${app.replace(/^\//, '')} ${this.#repos.versionOf(live.target.inputs.tree)}`;
  }

  async #act(line: string): Promise<void> {
    const config = /^config (\S+): (.*)$/.exec(line);
    if (config !== null)
      return this.#setConfig(config[1] ?? '', edited(this.#repos.config(config[1] ?? ''), config[2] ?? ''));
    const version = /^(\S+) (\S+) = (.+)$/.exec(line);
    if (version !== null) return this.#repos.version(version[1] ?? '', version[2] ?? '', version[3] ?? '');
    const [verb = '', name = '', branch = ''] = line.split(' ');
    switch (verb) {
      case 'merge':
      case 'squash':
        return this.#repos.merge(name, branch, { squash: verb === 'squash' });
      case 'revert':
        return this.#repos.revert(name);
      case 'delete':
        this.#repos.repo(name).branches.delete(branch);
        return;
      // Somebody asks the gateway for an app of an environment.
      case 'visit':
        this.#reconciler?.wake(name as EnvName, branch as AppId);
        return;
      case 'wait':
        return this.#ports.clock.advance(parseDurationMs(name) ?? Number.NaN);
      default:
        return this.#list(name === 'lists' ? verb : '', line);
    }
  }

  readonly #hidden = new Map<string, ReadonlyMap<string, string>>();

  /** `sales lists nothing`: its server says that there is no branch; `sales lists all again`. */
  #list(name: string, line: string): void {
    const { branches } = this.#repos.repo(name);
    if (line.endsWith(' nothing')) {
      this.#hidden.set(name, new Map(branches));
      branches.clear();
    } else if (line.endsWith(' all again')) {
      for (const [branch, commit] of this.#hidden.get(name) ?? []) branches.set(branch, commit as never);
    } else throw new Error(`nobody knows how to "${line}"`);
  }

  async #setConfig(branch: string, text: string): Promise<void> {
    const folders = [...text.matchAll(/"\.\/([\w/]+)"/g)].map(([, folder = '']) => folder);
    const files = Object.fromEntries(folders.map((folder) => [`${folder}/index.html`, '']));
    const evaluation = await this.#real.evaluate(treeOf({ ...files, 'apps.star': text }), never);
    this.#evaluations.set(text, evaluation);
    if (evaluation.ok)
      for (const { source } of evaluation.declarations.apps)
        if (source.kind === 'repo') this.#repos.add(source.url, source.folder);
    this.#repos.setConfig(branch, text, folders);
  }

  /** Gives what the real evaluator said of the same text: it works beside the clock of the story. */
  #evaluator(): Evaluator {
    return {
      evaluate: async ({ files, read }) => {
        const file = files.find(({ path }) => path === 'apps.star');
        const [bytes] = file === undefined ? [] : await read([file.oid]);
        const known = this.#evaluations.get(new TextDecoder().decode(bytes));
        if (known === undefined) throw new Error('a config that nobody told of');
        return known;
      },
    };
  }
}

/** A config with one declaration more: in the place of the one of the same app or function, if there is one. `without /wiki` takes one away. */
function edited(config: string, change: string): string {
  const lines = config.split('\n').filter((line) => line !== '');
  const without = /^without (.*)$/.exec(change);
  if (without !== null)
    return text(
      lines.filter((line) => !(without[1] ?? '').split(' ').some((path) => line.startsWith(`app("${path}"`))),
    );
  const [start = change] = /^(app\("[^"]*"|\w+\()/.exec(change) ?? [];
  const at = lines.findIndex((line) => line.startsWith(start));
  return text(at < 0 ? [...lines, change] : lines.with(at, change));
}

function text(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}
