import type { AppDeclaration } from '../../src/model/app.ts';
import type { Evaluation, PreviewPolicy } from '../../src/model/config.ts';
import type { AppId } from '../../src/model/ids.ts';
import { CODE_SPECS } from '../../src/specs/code-specs.ts';
import type { ConfigTree } from '../../src/starlark/config-tree.ts';

/** When an app is paused and stopped, and whether what is new of it sleeps once it is verified. */
export interface SimIdle {
  readonly pause: number;
  readonly stop: number;
  readonly asleep: boolean;
}

/** One app as the simulated config file declares it. */
export interface SimApp {
  readonly id: string;
  readonly path: string;
  readonly spec: 'static' | 'procfile' | 'proxy';
  /** URL of the source repo; `""`: a folder of the config repo; `"-"`: none. */
  readonly repo: string;
  readonly folder: string;
  readonly params: number;
  readonly timeoutMs: number;
  readonly verify: boolean;
  /** A commit of its source that is fixed: for production alone, or wherever it runs. */
  readonly pin: { readonly commit: string; readonly of: 'prod' | 'all' } | null;
  /** Whether it is staged before production. */
  readonly stage: boolean;
  readonly previews: boolean;
  readonly strategy: 'blue_green' | 'replace';
  /** Where it is probed. */
  readonly health: string;
  /** After how many milliseconds without use it is stopped, or paused before; null: when it is not said. */
  readonly idle: number | false | null | SimIdle;
}

/** The simulated config file. */
export interface SimConfig {
  readonly broken: boolean;
  readonly allowRemoval: string | null;
  readonly atomic: boolean;
  readonly previews: PreviewPolicy;
  readonly apps: readonly SimApp[];
}

/** A config without apps, as most histories begin. */
export const FIRST_CONFIG: SimConfig = {
  broken: false,
  allowRemoval: null,
  atomic: true,
  previews: { branches: ['*'], max: 3, ttlMs: 1_800_000 },
  apps: [],
};

/** The name of the one config file. */
export const CONFIG_FILE = 'config.star';

/** Evaluates the simulated config file: what the real evaluator does with Starlark, in the smallest way that can fail. */
export async function evaluateSimConfig(tree: ConfigTree): Promise<Evaluation> {
  const file = tree.files.find(({ path }) => path === CONFIG_FILE);
  const [bytes] = file === undefined ? [] : await tree.read([file.oid]);
  const config = JSON.parse(new TextDecoder().decode(bytes)) as SimConfig;
  if (config.broken) {
    return {
      ok: false,
      errors: [{ code: 'config-invalid', file: CONFIG_FILE, line: 1, message: 'app: broken', hint: null }],
    };
  }
  const release = { atomic: config.atomic, allowRemoval: config.allowRemoval };
  return {
    ok: true,
    declarations: { apps: config.apps.map(declarationOf), previews: config.previews, release, specs: CODE_SPECS },
    prints: [],
  };
}

/** What the real evaluator would yield for it. */
export function declarationOf(app: SimApp): AppDeclaration {
  return {
    id: app.id as AppId,
    route: { host: '', path: app.path },
    source: sourceOf(app),
    spec: app.spec,
    gitBranch: null,
    gitCommit: app.pin?.commit ?? null,
    gitAuth: null,
    params:
      app.spec === 'proxy'
        ? { url: `https://target-${app.params}.example.com` }
        : app.spec === 'procfile'
          ? { N: app.params }
          : {},
    containerOpts: {},
    containerArgs: {},
    containerVols: [],
    appConfig: {},
    stage: app.stage,
    previews: app.previews,
    promote: app.pin?.of === 'prod' ? 'pinned' : 'on_merge',
    strategy: app.strategy,
    stripPath: null,
    slash: null,
    health: { timeoutMs: app.timeoutMs, path: app.health },
    idle: idlePolicyOf(app.idle),
    limits: {},
    verify: app.verify,
    position: { file: CONFIG_FILE, line: 1, column: 1 },
    notInEffect: [],
  };
}

function idlePolicyOf(idle: SimApp['idle']): AppDeclaration['idle'] {
  if (idle === null || idle === false) return idle;
  if (typeof idle === 'number') return { pauseMs: null, stopMs: idle };
  return { pauseMs: idle.pause, stopMs: idle.stop, ...(idle.asleep ? { startsAsleep: true } : {}) };
}

function sourceOf(app: SimApp): AppDeclaration['source'] {
  if (app.repo === '-') return { kind: 'none' };
  if (app.repo === '') return { kind: 'config', folder: app.folder };
  return { kind: 'repo', url: app.repo, folder: app.folder };
}
