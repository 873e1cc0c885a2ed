import type { AuditEntry, AuditKind } from '../../src/model/audit.ts';
import type { RecordedDeployment } from '../../src/model/recorded.ts';
import type { Change } from '../../src/store/changes.ts';
import type { Shadow } from './shadow.ts';
import type { Verdict } from './verdict.ts';

/** What a change must be told as, in the same transaction: any of these kinds. */
interface Expected {
  readonly of: string;
  readonly kinds: readonly AuditKind[];
  /** Whether an event is about the very thing. */
  readonly about: (event: AuditEntry) => boolean;
}

/** Each change that means something has its event in the same transaction. */
export function judgeEvents(changes: readonly Change[], before: Shadow, verdict: Verdict): void {
  const events = changes.flatMap((change) => ('audit' in change ? [change.audit] : []));
  for (const { of, kinds, about } of changes.flatMap((change) => expectedOf(change, before)))
    verdict.expect(
      events.some((event) => kinds.includes(event.kind) && about(event)),
      () => `${of}: changed without ${kinds.join(' or ')} in the same transaction`,
    );
}

function expectedOf(change: Change, before: Shadow): Expected[] {
  if ('audit' in change) return [];
  if ('drop' in change) return expectedOfDrop(change, before);
  switch (change.put) {
    case 'deployment':
      return expectedOfDeployment(change.row, before.deployments.get(`${change.row.env} ${change.row.app}`));
    case 'instance': {
      const { row } = change;
      const starts = before.instances.get(row.id)?.state === 'starting' && row.state === 'running';
      return starts
        ? [instanceEvent(row.id, row.app, ['instance.started', 'drift.repaired', 'deployment.resumed'])]
        : [];
    }
    case 'artifact': {
      const { row } = change;
      const was = before.artifacts.get(row.key)?.state;
      const about = (event: AuditEntry) => event.detail.artifact === row.key;
      const expect = (kind: AuditKind): Expected[] => [{ of: `artifact ${row.key}`, kinds: [kind], about }];
      if (row.state === 'built' && was === 'building') return expect('artifact.built');
      if (row.state === 'failed' && was === 'building') return expect('artifact.failed');
      return row.state === 'building' && was === 'built' ? expect('drift.seen') : [];
    }
    case 'config': {
      const about = (event: AuditEntry) => event.cause.kind === 'commit' && event.cause.commit === change.row.seen;
      const kinds: AuditKind[] = [change.row.errors.length > 0 ? 'config.rejected' : 'config.accepted'];
      return change.row.seen === before.seen ? [] : [{ of: 'the config', kinds, about }];
    }
    case 'retained':
      return change.row.state === 'kept' ? [appEvent(change.row, ['data.retained'])] : [];
    case 'repo': {
      const { repo, error } = change.row;
      const isStale = error !== null;
      const wasStale = (before.repos.get(repo)?.error ?? null) !== null;
      const kinds: AuditKind[] = [isStale ? 'source.stale' : 'source.recovered'];
      return isStale === wasStale ? [] : [{ of: repo, kinds, about: (event) => event.detail.repo === repo }];
    }
    default:
      return [];
  }
}

function expectedOfDrop(change: Extract<Change, { drop: unknown }>, before: Shadow): Expected[] {
  switch (change.drop) {
    case 'deployment':
      return [appEvent(change.row, ['deployment.removed'])];
    case 'instance':
      return [instanceEvent(change.row.id, change.row.app, ['instance.stopped'])];
    case 'artifact': {
      const { key } = change.row;
      const about = (event: AuditEntry) => event.detail.artifact === key;
      return [{ of: `artifact ${key}`, kinds: ['artifact.removed'], about }];
    }
    case 'retained': {
      const wasLeaving = before.retained.get(change.row.dataName)?.state === 'removing';
      return wasLeaving ? [appEvent(change.row, ['data.removed'])] : [];
    }
    default:
      return [];
  }
}

function expectedOfDeployment(row: RecordedDeployment, before: RecordedDeployment | undefined): Expected[] {
  const was = before?.next ?? null;
  const { next } = row;
  const kinds: AuditKind[][] = [];
  if (row.live !== null && row.live.instance !== before?.live?.instance) kinds.push(['deployment.live']);
  if (row.live === null && before?.live) kinds.push(['deployment.unrouted', 'deployment.parked']);
  if (row.live && row.live.instance === before?.live?.instance) {
    const changed = row.live.target.policyHash !== before.live.target.policyHash;
    if (changed) kinds.push(['deployment.settings']);
    if (row.live.asleep && !before.live.asleep) kinds.push(['deployment.asleep']);
    if (!row.live.asleep && before.live.asleep) kinds.push(['deployment.awake', 'deployment.resumed']);
  }
  if (next?.state === 'quarantined' && was?.state !== 'quarantined') kinds.push(['deployment.quarantined']);
  if (next?.state === 'removing' && was?.removes !== true) kinds.push(['deployment.removing']);
  if (next?.state === 'held' && was?.state !== 'held') kinds.push(['deployment.held', 'removal.held']);
  if (next?.target && next.generation !== was?.generation) kinds.push(['deployment.planned']);
  const wasOnItsWay = was?.target != null && was.generation !== next?.generation;
  // What only needed other rows is there without another instance.
  const isSettled =
    row.live?.target.policyHash === was?.target?.policyHash &&
    row.live?.target.instanceHash === was?.target?.instanceHash;
  if (wasOnItsWay && row.live?.generation !== was.generation)
    kinds.push(isSettled ? ['deployment.settings', 'deployment.superseded'] : ['deployment.superseded']);
  return kinds.map((of) => appEvent(row, of));
}

function appEvent(of: { readonly env: string; readonly app: string }, kinds: readonly AuditKind[]): Expected {
  const about = (event: AuditEntry) => event.app === of.app && event.env === of.env;
  return { of: `${of.app} in ${of.env}`, kinds, about };
}

function instanceEvent(id: string, app: string, kinds: readonly AuditKind[]): Expected {
  return { of: `${app}, ${id}`, kinds, about: (event) => event.detail.instance === id };
}
