import type { Cleanup } from '../../../support/cleanup.ts';
import type { Files } from '../apps.ts';
import { removeContainersAfter } from '../container-team.ts';
import { eventually } from '../eventually.ts';
import type { SettingsValues } from '../settings-text.ts';
import { Team } from '../team.ts';
import { type Load, startLoad } from './load.ts';
import { versionedContainer, versionedPage, versionedServer } from './load-app.ts';

const SERVER = 'server';
const PAGES = ['page-1', 'page-2', 'page-3', 'page-4'];

/** How much is asked of a site. */
export interface LoadSize {
  readonly keepAlive: number;
  readonly oneShot: number;
  readonly slow: number;
  readonly streams: number;
  readonly restMs: number;
  readonly slowParts: number;
}

/** Enough to meet every sort of request while a small test runs, which waits three times for its slow transfers. */
export const SMALL_LOAD: LoadSize = { keepAlive: 16, oneShot: 4, slow: 2, streams: 2, restMs: 60, slowParts: 8 };
/** The load of the bench: some 200 one-shot connections a second and 64 that are kept. */
export const FULL_LOAD: LoadSize = { keepAlive: 64, oneShot: 8, slow: 4, streams: 4, restMs: 60, slowParts: 24 };

/** A Mainspring with a process app (a container where the settings name an engine for them) and static apps, each in a repo of its own, that says which version of each is asked for. */
export class Site {
  readonly team: Team;
  readonly #versions = new Map<string, number>();

  private constructor(team: Team) {
    this.team = team;
  }

  /** Makes it; nothing runs yet. */
  static async create(t: Cleanup, settings: Partial<SettingsValues> = {}): Promise<Site> {
    const declare = (url: (repo: string) => string) =>
      [SERVER, ...PAGES].map((name) => `app("/${name}", "${url(name)}", stage = False)\n`).join('');
    const team = await Team.create(t, (url) => ({ 'apps.star': declare(url) }), {
      settings: { gateways: 2, pollInterval: '5s', process: 'prod', ...settings },
    });
    removeContainersAfter(t, team.installation);
    const site = new Site(team);
    for (const name of site.apps) await site.push(name);
    return site;
  }

  get apps(): readonly string[] {
    return [SERVER, ...PAGES];
  }

  get port(): number {
    return this.team.installation.port;
  }

  /** The version of an app that was pushed last. */
  versionOf(app: string): number {
    return this.#versions.get(app) ?? 0;
  }

  /** Pushes the next version of an app to main. */
  async push(app: string): Promise<void> {
    const version = this.versionOf(app) + 1;
    await this.team.installation.push(app, app === SERVER ? this.#server(version) : versionedPage(version));
    this.#versions.set(app, version);
  }

  #server(version: number): Files {
    return this.team.installation.settings.docker === 'off' ? versionedServer(version) : versionedContainer(version);
  }

  /** Pushes the next version of an app, says so, and waits until it is served. */
  async deploy(app: string): Promise<void> {
    await this.push(app);
    await this.team.hint();
    await this.untilServed(app);
  }

  async untilServed(app: string): Promise<void> {
    const wanted = `version ${this.versionOf(app)}.\n`;
    let last = '';
    const look = async () => {
      const { body } = await this.team.installation.get(`/${app}/`);
      last = body.split('\n')[0] ?? '';
      return body.startsWith(wanted) || undefined;
    };
    const what = () => `${wanted.trim()} of ${app}, which says "${last}"; ${this.team.installation.daemon?.log}`;
    await eventually(look, { within: 60_000, what });
  }

  /** Starts clients that ask all of its apps. */
  async load(t: Cleanup, size: LoadSize): Promise<Load> {
    const pages = PAGES.map((name) => `/${name}`);
    return startLoad(t, { port: this.port, server: `/${SERVER}`, pages, ...size });
  }
}
