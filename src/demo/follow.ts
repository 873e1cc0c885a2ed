import type { Paint } from '../cli/terminal.ts';
import { MainspringError } from '../model/errors.ts';
import type { AuditLine, Status } from '../model/surface.ts';
import { systemClock } from '../roles/system-clock.ts';
import { narrate } from './narrate.ts';
import type { Session } from './session.ts';

const POLL_MS = 100;

/** What following needs of the demo. */
export type Followed = Pick<Session, 'reader' | 'repo'>;

/** Tells what happens, from the audit log, until the signal aborts. */
export class Follower {
  readonly #followed: Followed;
  readonly #paint: Paint;
  readonly #say: (text: string) => void;
  #last: number;
  /** The commit that was accepted last, while nothing was seen to come of it. */
  #quiet: string | null = null;

  constructor(followed: Followed, { after, paint, say }: { after: number; paint: Paint; say: (text: string) => void }) {
    this.#followed = followed;
    this.#last = after;
    this.#paint = paint;
    this.#say = say;
  }

  /** Goes on until the signal aborts. A daemon that is not to be reached is asked again. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.look();
        await systemClock.sleep(POLL_MS, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof MainspringError) || error.retry === 'needs-human') throw error;
        await systemClock.sleep(POLL_MS);
      }
    }
  }

  /** Tells what has happened since the last look. */
  async look(): Promise<void> {
    const lines: AuditLine[] = [];
    const filter = { app: null, env: null, since: null, after: this.#last };
    for await (const line of this.#followed.reader.audit(filter)) lines.push(line);
    if (lines.length === 0 && this.#quiet === null) return;
    const status = await this.#followed.reader.status();
    for (const line of lines) await this.#tell(line, status);
    this.#tellQuiet(status);
  }

  async #tell(line: AuditLine, status: Status): Promise<void> {
    const commit = line.cause.kind === 'commit' ? line.cause.commit : null;
    const around = {
      subject: commit === null ? '' : await this.#followed.repo.subject(commit),
      errors: commit === status.config.commit ? status.config.errors : [],
      url: urlOf(line, status),
    };
    for (const text of narrate(line, around, this.#paint)) this.#say(text);
    this.#last = line.id;
    if (line.kind === 'config.accepted') this.#quiet = commit;
    else if (line.kind.startsWith('deployment.') && commit === this.#quiet) this.#quiet = null;
  }

  /** A commit that changes nothing that runs leaves no other event. */
  #tellQuiet({ settled, config }: Status): void {
    if (this.#quiet === null || !settled || config.planned !== this.#quiet) return;
    this.#quiet = null;
    this.#say('          nothing had to change: that is what runs already');
  }
}

function urlOf({ env, app }: AuditLine, status: Status): string | null {
  const deployments = status.environments.find(({ name }) => name === env)?.deployments ?? [];
  return deployments.find((deployment) => deployment.app === app)?.url ?? null;
}
