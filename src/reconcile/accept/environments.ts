import type { AuditKind } from '../../model/audit.ts';
import { observation } from '../../model/cause.ts';
import { rejection } from '../../model/config.ts';
import type { EnvironmentStep } from '../../model/plan.ts';
import { audit, type Change, drop, put } from '../../store/changes.ts';
import type { RecordedView } from '../../store/recorded.ts';

const KINDS = {
  open: 'environment.opened',
  park: 'environment.parked',
  unpark: 'environment.unparked',
  end: 'environment.ending',
} as const satisfies Partial<Record<EnvironmentStep['kind'], AuditKind>>;

/** What a step of an environment changes. A branch whose config stops evaluating is said once, as an end of that is. */
export function acceptEnvironment(step: EnvironmentStep, recorded: RecordedView): Change[] {
  const { kind, env, row, why, cause } = step;
  const of = { env, app: null, cause };
  const heads = Object.keys(row.heads).length === 0 ? {} : { heads: row.heads };
  const detail = { ...(why === null ? {} : { why }), ...heads };
  const event = kind === 'settle' ? [] : [audit({ kind: KINDS[kind], ...of, detail })];
  const before = recorded.environments.get(env)?.errors ?? [];
  const [first] = row.errors;
  const isNew = first !== undefined && JSON.stringify(row.errors) !== JSON.stringify(before);
  return [
    put('environment', row),
    ...event,
    ...(isNew ? [audit({ kind: 'environment.rejected', ...of, detail: rejection(row.errors) })] : []),
  ];
}

/** Environments that are over and of which nothing is left. */
export function tidyEnvironments(recorded: RecordedView): Change[] {
  const ending = [...recorded.environments.values()].filter(({ endingSince }) => endingSince !== null);
  if (ending.length === 0) return [];
  const inUse = new Set([...recorded.deployments.values()].map(({ env }) => env));
  return ending
    .filter(({ name }) => !inUse.has(name))
    .flatMap((row) => [
      ...[...recorded.releases.values()]
        .filter(({ env }) => env === row.name)
        .map((release) => drop('release', release)),
      drop('environment', row),
      audit({
        kind: 'environment.removed',
        env: row.name,
        app: null,
        cause: observation('nothing of it is left'),
        detail: {},
      }),
    ]);
}
