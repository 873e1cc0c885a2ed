import type { Cause } from './cause.ts';
import type { AppId, EnvName } from './ids.ts';
import type { JsonObject } from './json.ts';

/** The kinds of audit events, with what each says. docs/audit.md lists the same kinds; a test compares the two. */
export const AUDIT_KINDS = {
  'installation.created': 'the data folder was made by `init`',
  'controller.started': 'a controller took the lock and adopted what it found',
  'config.accepted': 'a commit of the config repo evaluated and is followed from now on',
  'config.rejected': 'a commit of the config repo did not evaluate; the last good state goes on',
  'source.stale': 'a repo could not be listed or fetched; what was known of it is kept',
  'source.recovered': 'a repo that was stale answers again',
  'environment.opened': 'an environment is there from now on; `heads` says from which commits',
  'environment.rejected': "the config of a preview's branch does not evaluate; its last good state goes on",
  'environment.parked': 'an environment is over a limit: stopped, its data kept',
  'environment.called': 'somebody asked for an app of an environment that is parked: it is wanted again',
  'environment.unparked': 'an environment that was parked is wanted again',
  'environment.ending': 'there is evidence that an environment is over; its removal began',
  'environment.removed': 'nothing of an environment is left',
  'release.planned': 'a move of refs changes several apps of an environment, which switch as one',
  'release.joined': 'a deployment that was pending changed again: two releases became one',
  'release.held': 'a part of a release failed or is held; none of it switches until a change in git',
  'release.resumed': 'what held a release is mended; it goes on',
  'release.live': 'all members of a release switched, as one',
  'deployment.planned': 'a new target was recorded for a deployment (create or update)',
  'deployment.superseded': 'a newer target took the place of one that was not live yet',
  'deployment.settings': 'policy of a live deployment changed without a new instance',
  'deployment.live': 'the switch: a verified instance serves from this generation on',
  'deployment.held': 'a deployment waits for a change in git',
  'deployment.quarantined': 'verification failed; not tried again until the description differs',
  'deployment.removing': 'the app left the config; its removal began',
  'deployment.promotable': 'what held a promotion is mended; it goes on',
  'deployment.suspended': 'the live instance is stopped so that its replacement runs alone; requests are held',
  'deployment.resumed': 'the live instance of a replacement that failed or was given up serves again',
  'deployment.asleep':
    'nobody used the deployment for as long as `idle` says, or memory is short: it is paused or stopped, and the next request wakes it',
  'deployment.stopped':
    'a deployment that was asleep and paused is stopped: nobody used it for as long as `idle` says, memory is short, or it could not stay paused',
  'deployment.awake': 'a deployment that was asleep serves again',
  'deployment.parked': 'its environment is parked: nothing of the deployment runs any more, its data is kept',
  'deployment.unrouted': 'no new request reaches the deployment any more; its removal goes on',
  'deployment.removed': 'nothing of the deployment is left but retained data',
  'removal.held': 'a pass would remove a large share of production and waits for `allow_removal`',
  'removal.cancelled': 'an app whose removal was held or under way is declared again and stays',
  'removal.allowed': 'main named the hash of a held set of removals, which goes on',
  'artifact.built': 'a build yielded an artifact',
  'artifact.failed': 'a build failed',
  'artifact.removed': 'an artifact that nothing refers to any more was collected',
  'instance.started': 'an engine started an instance',
  'instance.failed': 'an instance could not be started or died while it was verified',
  'instance.stopped': 'an instance was drained and stopped',
  'drift.seen': 'a live instance was found dead, removed or changed; it is being repaired',
  'drift.repaired': 'a live instance is as it should be again',
  'orphan.removed': 'an engine had something of this installation that no row owns; it was removed',
  'data.retained': 'data of a removed deployment is kept until its time is over',
  'data.removed': 'retained data was removed',
} as const satisfies Record<string, string>;

/** One of the kinds above. */
export type AuditKind = keyof typeof AUDIT_KINDS;

/** What happened, before it has its place in the chain. */
export interface AuditEntry {
  readonly kind: AuditKind;
  readonly env: EnvName | null;
  readonly app: AppId | null;
  readonly cause: Cause;
  readonly detail: JsonObject;
}

/** One event of the log: append-only, each with the hash of the one before. */
export interface AuditEvent extends AuditEntry {
  readonly id: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly prev: string;
  readonly hash: string;
}
