import type { AppDeclaration } from '../model/app.ts';
import { type ContainerBuild, mountedFiles, type RunDescription } from '../model/container.ts';
import type { JsonObject } from '../model/json.ts';
import type { ContainerSpec } from '../model/spec.ts';
import { fillIn, fillInAll, fillInCommand, textOf } from './option-values.ts';

/** What of an app decides how its container is built. */
export type BuildParts = Pick<AppDeclaration, 'containerOpts' | 'containerArgs' | 'containerVols'>;

/** What a container of this spec is built from, where options have these values. `refresh` names the period that it is made for. */
export function containerBuildOf(
  container: ContainerSpec,
  values: JsonObject,
  { containerOpts, containerArgs, containerVols }: BuildParts,
  refresh: string | null,
): ContainerBuild {
  const { origin } = container;
  const mounted = mountedFiles(containerVols);
  const common = { ...(refresh === null ? {} : { refresh }), ...(mounted.length === 0 ? {} : { files: mounted }) };
  if (origin.kind === 'image') return { image: fillIn(origin.image, values) ?? '', ...common };
  const own = Object.entries(containerArgs).map(([name, value]) => [name, textOf(value)] as const);
  const args = { ...fillInAll(container.args, values), ...Object.fromEntries(own) };
  const { file, target, network, build_timeout: timeout } = containerOpts;
  return {
    ...(origin.kind === 'containerfile' ? { containerfile: origin.text } : {}),
    ...(typeof file === 'string' ? { file } : {}),
    ...(typeof target === 'string' ? { target } : {}),
    ...(Object.keys(args).length === 0 ? {} : { args }),
    ...(network === false ? { network } : {}),
    ...(typeof timeout === 'string' ? { timeout } : {}),
    ...common,
  };
}

/** How a container of this spec is run; undefined: as its image says. */
export function runDescriptionOf(container: ContainerSpec, values: JsonObject): RunDescription | undefined {
  const command = fillInCommand(container.command, values);
  const variables = fillInAll(container.variables, values);
  const run: RunDescription = {
    ...(command.length === 0 ? {} : { command }),
    ...(container.port === null ? {} : { port: container.port }),
    ...(Object.keys(variables).length === 0 ? {} : { variables }),
  };
  return Object.keys(run).length === 0 ? undefined : run;
}
