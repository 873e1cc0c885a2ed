import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { importCommit, makeBareRepo } from '../fixture-repos.ts';

/** How large the installation is. Of ten static apps one has its files in the config repo itself. */
export interface FleetSize {
  readonly files: number;
  readonly repos: number;
  readonly staticPerFile: number;
  readonly processPerFile: number;
}

/** A config repo and its source repos, as bare repos below `dir`, with the settings of a daemon that follows them. */
export interface Fleet {
  readonly dir: string;
  readonly settingsFile: string;
  readonly secret: string;
  readonly apps: number;
  /** Commits another parameter of one process app. */
  changeConfigFile(file: number, nonce: string): Promise<void>;
  /** Commits a new page into the source folder of one static app. */
  changeSource(file: number, nonce: string): Promise<void>;
}

/** The hook that the settings name. */
export const HOOK = 'bench';

/** Makes the repos and the settings. Every app has a tree of its own. */
export async function makeFleet(dir: string, size: FleetSize): Promise<Fleet> {
  const repos = Array.from({ length: size.repos }, (_, at) => join(dir, 'repos', `source-${at}.git`));
  const config = join(dir, 'repos', 'config.git');
  mkdirSync(join(dir, 'repos'), { recursive: true });
  await Promise.all([config, ...repos].map(makeBareRepo));
  await importCommit(config, configFiles(size, repos), 'ten thousand apps');
  for (const [at, repo] of repos.entries()) await importCommit(repo, sourceFiles(size, at), 'their files');
  const settingsFile = writeSettings(dir, config);
  const repoOf = (file: number) => repos[file % repos.length] ?? '';
  return {
    dir,
    settingsFile,
    secret: SECRET,
    apps: size.files * (size.staticPerFile + size.processPerFile),
    changeConfigFile: (file, nonce) =>
      importCommit(config, [[configPath(file), configFile(size, file, repoOf(file), nonce)]], `change ${nonce}`),
    changeSource: (file, nonce) =>
      importCommit(repoOf(file), [[`static/app-${file}-1/index.html`, page(file, 1, nonce)]], `change ${nonce}`),
  };
}

const SECRET = 'a secret of the bench';

function writeSettings(dir: string, config: string): string {
  const settingsFile = join(dir, 'mainspring.toml');
  writeFileSync(join(dir, 'hook-secret'), SECRET);
  writeFileSync(
    settingsFile,
    [
      `config_repo = ${JSON.stringify(config)}`,
      'domain = "localhost"',
      'poll_interval = "59m"',
      `data_dir = ${JSON.stringify(join(dir, 'data'))}`,
      `git.local_roots = [${JSON.stringify(join(dir, 'repos'))}]`,
      'engines.process = "prod"',
      `hooks.${HOOK}.secret_file = ${JSON.stringify(join(dir, 'hook-secret'))}`,
      '',
    ].join('\n'),
  );
  return settingsFile;
}

function* configFiles(size: FleetSize, repos: readonly string[]): Generator<[string, string]> {
  yield ['lib/team.star', 'def team_params(team):\n    return {"TEAM": team, "STAGE": "live"}\n'];
  for (let file = 0; file < size.files; file += 1) {
    yield [configPath(file), configFile(size, file, repos[file % repos.length] ?? '', '')];
    yield [`apps/app-${file}-0/index.html`, page(file, 0, '')];
  }
}

function configPath(file: number): string {
  return `config/team-${file % 50}/apps-${file}.star`;
}

function configFile(size: FleetSize, file: number, repo: string, nonce: string): string {
  const lines = ['load("//lib/team.star", "team_params")', `params = team_params("team-${file % 50}")`];
  for (let at = 0; at < size.staticPerFile; at += 1) {
    const source = at === 0 ? `./apps/app-${file}-0` : `${repo}//static/app-${file}-${at}`;
    lines.push(`app("/team-${file % 50}/static-${file}-${at}", "${source}", spec = "static")`);
  }
  for (let at = 0; at < size.processPerFile; at += 1) {
    const source = `${repo}//process/app-${file}-${at}`;
    const params = at === 0 && nonce !== '' ? `dict(params, NONCE = "${nonce}")` : 'params';
    lines.push(`app("/team-${file % 50}/process-${file}-${at}", "${source}", params = ${params})`);
  }
  return `${lines.join('\n')}\n`;
}

function* sourceFiles(size: FleetSize, repo: number): Generator<[string, string]> {
  for (let file = repo; file < size.files; file += size.repos) {
    for (let at = 1; at < size.staticPerFile; at += 1) {
      yield [`static/app-${file}-${at}/index.html`, page(file, at, '')];
    }
    for (let at = 0; at < size.processPerFile; at += 1) {
      yield [`process/app-${file}-${at}/Procfile`, `web: serve --name app-${file}-${at}\n`];
    }
  }
}

function page(file: number, at: number, nonce: string): string {
  return `<!doctype html><title>app ${file}-${at}</title><p>${nonce || 'first'}\n`;
}
