import type { JsonObject } from '../model/json.ts';
import { isRoute, parseRoute, type Route } from '../model/route.ts';
import type { SpecTable } from '../model/spec-table.ts';
import { describe } from './field.ts';
import { plainJson } from './json-value.ts';
import { nameHint } from './nearest.ts';
import { isRelativePath } from './options.ts';
import { dictEntries, listOf, oneOf, type Shape, text } from './shapes.ts';

/** `path`: the route. */
export const routeShape: Shape<Route> = (value, field) => {
  const route = text('a route such as "/tools/sales"', (one) => one !== '')(value, field);
  if (route === undefined) return undefined;
  const parsed = parseRoute(route);
  if (isRoute(parsed)) return parsed;
  const hint = /^[^/]*:\d+(:|\/|$)/.test(route) ? 'A route has no port: [domain:]path.' : undefined;
  return field.fail(parsed.expected, hint);
};

/** `id`: a stable name. */
export const idShape = text('a name of at most 40 characters a-z, 0-9 and "-"', (id) => /^[a-z0-9-]{1,40}$/.test(id));

/** `spec`: one that there is, or `auto`. */
export function specShape(specs: SpecTable): Shape<string> {
  const names = ['auto', ...Object.keys(specs)];
  return (value, field) => {
    if (typeof value === 'string' && names.includes(value)) return value;
    if (typeof value !== 'string') return field.fail(`expected the name of a spec, got ${describe(value)}`);
    return field.fail(`unknown spec ${describe(value)}`, nameHint(value, names, 'It'));
  };
}

/** `auth`: reserved until sign-in exists; never accepted and ignored. */
export const authShape: Shape<'none'> = (value, field) => {
  if (value === 'none') return 'none';
  return field.fail(
    `sign-in does not exist yet: expected "none", got ${describe(value)}`,
    'Leave it out, and keep the gateway where only the right people reach it.',
  );
};

const NAMED = /^[a-z0-9][a-z0-9_-]{0,39}$/;

const FORMS =
  'a volume such as "data:/var/lib/app", "./app.toml:/etc/app.toml", "/srv/files:/files" or "/srv/files:/files:ro"';

const VOLUME = text(FORMS, (volume) => {
  const [from = '', to = '', mode, ...rest] = volume.split(':');
  return (
    (NAMED.test(from) || isAbsolute(from) || isOfSource(from)) &&
    isAbsolute(to) &&
    to !== '/' &&
    [undefined, 'ro'].includes(mode) &&
    rest.length === 0
  );
});

/** A plain path from the root: what it names does not depend on what lies there. */
function isAbsolute(path: string): boolean {
  return path === '/' || (path.startsWith('/') && isRelativePath(path.slice(1)));
}

/** A path of the app's source, as `container_vols` names it. */
function isOfSource(path: string): boolean {
  return path.startsWith('./') && isRelativePath(path.slice(2));
}

/** `container_vols`: a list of strings. */
export const volumesShape = listOf('a list of strings', VOLUME);

const BUILD_ARGUMENT = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** `refresh`: how often a new artifact is made although nothing changed in git. */
export const refreshShape = oneOf(['weekly']);

/** `container_args`: names with strings, numbers or bools. */
export const argumentsShape: Shape<JsonObject> = (value, field) => {
  const entries = dictEntries('a dict of build arguments', value, field);
  const kept = entries?.filter(([name, item]) => {
    if (!BUILD_ARGUMENT.test(name))
      return field.fail(
        `${describe(name)} can't be the name of a build argument`,
        'Names are letters, digits and "_".',
      );
    const fits =
      ['string', 'number', 'boolean'].includes(typeof item) && !(typeof item === 'string' && item.includes('\0'));
    if (!fits) field.part(name).fail(`expected a string, a number or a bool, got ${describe(item)}`);
    return fits;
  });
  return kept && Object.fromEntries(kept.map(([name, item]) => [name, plainJson(item)]));
};
