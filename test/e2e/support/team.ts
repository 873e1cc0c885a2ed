import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditLine, PlanDocument, Status } from '../../../src/model/surface.ts';
import type { Cleanup } from '../../support/cleanup.ts';
import { type GitServer, type GitServerOptions, startGitServer } from '../../support/git-server.ts';
import type { Files } from './apps.ts';
import { deleteBranch, pushTo } from './branches.ts';
import type { StartOptions } from './daemon.ts';
import { eventually } from './eventually.ts';
import { ask } from './http.ts';
import { Installation } from './installation.ts';
import { readTables } from './inventory.ts';
import { readSaid, type SaidByApp } from './nonce-app.ts';
import type { SettingsValues } from './settings-text.ts';

const SECRET = 'the hook of the team';

/** What a team has around a Mainspring: repos behind a git server, and a hook that says when something was pushed. */
export class Team {
  readonly installation: Installation;
  readonly server: GitServer;

  private constructor(installation: Installation, server: GitServer) {
    this.installation = installation;
    this.server = server;
  }

  /** Makes all of it; nothing runs yet. `files` are the config repo's, and may depend on where repos are. */
  static async create(
    t: Cleanup,
    files: (url: (repo: string) => string) => Files,
    {
      settings = {},
      intercept,
    }: { settings?: Partial<SettingsValues>; intercept?: NonNullable<GitServerOptions['intercept']> } = {},
  ): Promise<Team> {
    const installation = await Installation.create(t, {}, { process: 'all', ...settings });
    const server = await startGitServer(t, {
      root: join(installation.root, 'repos'),
      ...(intercept === undefined ? {} : { intercept }),
    });
    const team = new Team(installation, server);
    writeFileSync(join(installation.root, 'hook'), SECRET);
    await installation.push('config', files(team.url));
    const more = `${settings.more ?? ''}\n[hooks.team]\nsecret_file = "./hook"\n`;
    await installation.writeSettings({ configRepo: team.url('config'), more });
    return team;
  }

  /** Where a repo is for the daemon. */
  readonly url = (repo: string): string => `${this.server.url}/${repo}.git`;

  /** Starts the daemon and waits until what is on main is live. */
  async serve(options: StartOptions = {}): Promise<Status> {
    await this.installation.serve(options);
    return this.settled();
  }

  /** Waits until the end of the first look is noted, which can be after all is settled. */
  async firstLook(): Promise<void> {
    const isNoted = () =>
      readTables(this.installation).some(
        ([table, rows]) => table === 'meta' && rows.some(({ key }) => key === 'looked_at'),
      );
    await eventually(() => isNoted() || undefined, { what: () => 'the first look noted in the store' });
  }

  /** Tells the daemon to look now. */
  async hint(): Promise<void> {
    const headers = { authorization: `Bearer ${SECRET}` };
    const path = '/_mainspring/hooks/team';
    const { status } = await ask({ port: this.installation.port, path, method: 'POST', headers, body: '' });
    if (status !== 202) throw new Error(`hook: ${status}`);
  }

  /** Commits to a branch of a repo, made from main if it is new, and pushes it. Gives the commit. */
  pushTo(repo: string, branch: string, files: Files): Promise<string> {
    return pushTo(this.installation, { repo, branch }, files);
  }

  /** Deletes a branch of a repo at the server. */
  deleteBranch(repo: string, branch: string): Promise<void> {
    return deleteBranch(this.installation, { repo, branch });
  }

  /** Waits until all that was pushed to main is acted on, and nothing moves any more. */
  async settled(): Promise<Status> {
    const config = await this.installation.config.git('rev-parse', 'origin/main');
    return this.installation.settled({ config });
  }

  /** What an app answers in an environment; null if it does not. */
  async said(path: string, env = 'prod'): Promise<SaidByApp | null> {
    const { status, body } = await this.installation.get(path, hostOf(env));
    return status === 200 ? readSaid(body) : null;
  }

  /** Waits until an app says this in an environment. */
  untilSays(path: string, env: string, text: string): Promise<SaidByApp> {
    let last: SaidByApp | null = null;
    return eventually(
      async () => {
        last = await this.said(path, env);
        return last?.text === text ? last : undefined;
      },
      {
        within: 60_000,
        what: () => `"${text}" at ${path} in ${env}; it says ${JSON.stringify(last)}; ${this.installation.daemon?.log}`,
      },
    );
  }

  /** Waits until an app's newest commit is acted on in production, and nothing moves any more. */
  async untilSettledAt(app: string, repo = app.slice(1)): Promise<Status> {
    const { git } = await this.installation.repo(repo);
    const [config, source] = [
      await this.installation.config.git('rev-parse', 'origin/main'),
      await git('rev-parse', 'origin/main'),
    ];
    return this.installation.settled({ config, sources: { [app]: source } });
  }

  /** Waits until nothing of an environment is left in the status. */
  async untilGone(env: string): Promise<void> {
    await eventually(
      async () =>
        (await this.installation.status()).environments.every(({ name }) => name !== env) ? true : undefined,
      { within: 60_000, what: `the end of ${env}` },
    );
  }

  /** What would be done if a branch were merged now. */
  async plan(ref: string): Promise<PlanDocument> {
    const { code, stdout, stderr } = await this.installation.run('plan', '--ref', ref, '--json');
    if (code !== 0) throw new Error(`plan: ${stderr}`);
    return JSON.parse(stdout) as PlanDocument;
  }

  /** The lines of the log of these kinds, those of `before` left out. */
  async audit(kinds: readonly string[], before = 0): Promise<AuditLine[]> {
    return (await this.installation.audit()).filter(({ id, kind }) => id > before && kinds.includes(kind));
  }

  /** The id of the newest line of the log. */
  async newest(): Promise<number> {
    return Number((await this.installation.status()).audit.head.split(':')[0]);
  }
}

/** The host that serves an environment's apps of the default domain. */
export function hostOf(env: string): string {
  return env === 'prod' ? 'localhost' : `${env}.env.localhost`;
}
