import type { AppDeclaration } from '../model/app.ts';
import type { JsonObject } from '../model/json.ts';
import type { Spec } from '../model/spec.ts';
import type { OptionRules } from '../model/spec-table.ts';

type Given = Pick<
  AppDeclaration,
  'params' | 'containerOpts' | 'containerArgs' | 'containerVols' | 'appConfig' | 'refresh'
>;

/** What an app says that its spec does not know (one that `auto` found, or one without containers): has no effect, and is told in the plan. */
export function ignoredOptions({ name, rules, container }: Spec, app: Given): string[] {
  const unknown = (what: string, given: JsonObject, known: OptionRules) =>
    Object.keys(given)
      .filter((option) => !Object.hasOwn(known, option))
      .map((option) => `${what} "${option}" has no effect: spec "${name}" does not know it`);
  const containers: readonly (readonly [string, boolean])[] = [
    ['container_args', Object.keys(app.containerArgs).length > 0],
    ['container_vols', app.containerVols.length > 0],
    ['refresh', app.refresh !== undefined],
  ];
  const isBuilt = container?.origin.kind !== 'image';
  return [
    ...(rules.params === 'environment' ? [] : unknown('params', app.params, rules.params)),
    ...unknown('container_opts', app.containerOpts, rules.containerOpts),
    ...unknown('app_config', app.appConfig, rules.appConfig),
    ...containers
      .filter(([, given]) => given && rules.containers !== true)
      .map(([what]) => `${what} has no effect: spec "${name}" runs no container`),
    ...(isBuilt || Object.keys(app.containerArgs).length === 0
      ? []
      : [`container_args has no effect: spec "${name}" builds nothing`]),
  ];
}
