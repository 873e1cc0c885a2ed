import type { AppDeclaration } from '../model/app.ts';
import type { SpecRules } from '../model/spec-table.ts';
import { idleOptions } from './options.ts';

/** Names of arguments that were given, are right, and do nothing in this version: the plan says so. */
export function namesNotInEffect(app: Omit<AppDeclaration, 'notInEffect'>, rules: SpecRules): readonly string[] {
  return [
    ...idleOptions('container_opts', app.containerOpts, rules.containerOpts),
    ...idleOptions('app_config', app.appConfig, rules.appConfig),
    ...(rules.params === 'environment' ? [] : idleOptions('params', app.params, rules.params)),
  ];
}
