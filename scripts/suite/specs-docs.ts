import { formatDuration } from '../../src/model/duration.ts';
import { type Spec, type SpecBook, specNamed } from '../../src/model/spec.ts';
import type { OptionRule, OptionRules } from '../../src/model/spec-table.ts';

const MARKED = /<!-- (spec|options): ([a-z_-]+) -->\n(?:[\s\S]*?)<!-- end -->/g;

/** The text with what is between each `<!-- spec: NAME -->` and `<!-- end -->` made anew from the specs. */
export function withSpecFacts(text: string, book: SpecBook): string {
  return text.replace(MARKED, (_match, kind: string, name: string) => {
    const spec = specNamed(name, book);
    if (spec === undefined) throw new Error(`docs/specs.md: there is no spec "${name}"`);
    const facts = kind === 'spec' ? factsOf(spec) : table('container_opts', spec.rules.containerOpts);
    return `<!-- ${kind}: ${name} -->\n${facts}<!-- end -->`;
  });
}

/** Names of the specs that a text has a place for. */
export function markedSpecs(text: string): readonly string[] {
  return [...text.matchAll(MARKED)].filter(([, kind]) => kind === 'spec').map(([, , name = '']) => name);
}

function factsOf(spec: Spec): string {
  const { rules, detect, health, container } = spec;
  const found = [
    ...(detect?.files ?? []).map((file) => `\`${file}\``),
    ...(detect?.dependencies ?? []).map((name) => `the dependency \`${name.slice(name.indexOf(':') + 1)}\``),
  ];
  const script = detect?.script === undefined ? '' : ` with a script \`${detect.script}\``;
  const lines = [
    `${spec.description}.`,
    '',
    ...(found.length === 0 ? [] : [`- \`auto\` finds it by ${found.join(' or ')}${script}.`]),
    ...(container?.port == null
      ? []
      : [`- Port ${container.port}, unless \`container_opts\` says another; the app is told in \`PORT\`.`]),
    ...(health === undefined
      ? []
      : [
          `- Health: \`${health.path ?? '/'}\`${health.timeoutMs === undefined ? '' : `, for up to ${formatDuration(health.timeoutMs)}`}.`,
        ]),
    `- The path of the route is ${rules.stripPath ? 'taken off' : 'kept'}${rules.stripPathFixed === true ? '; it works in no other way' : ''}.`,
  ];
  return `${lines.join('\n')}\n${table('app_config', rules.appConfig, spec)}${table('params', typeof rules.params === 'object' ? rules.params : (rules.knownParams ?? {}))}`;
}

function table(argument: string, options: OptionRules, spec?: Spec): string {
  const rows = Object.entries(options).map(
    ([name, rule]) => `| \`${name}\` | ${kindOf(rule)} | ${defaultOf(name, rule, spec)} | ${rule.description ?? ''} |`,
  );
  return rows.length === 0
    ? ''
    : `\n| \`${argument}\` | shape | default | |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
}

function kindOf(rule: OptionRule): string {
  if (rule.kind === 'choice') return rule.of.map((one) => `\`${one}\``).join(', ');
  if (rule.kind === 'choices') return 'list of names';
  if (rule.kind === 'list') return 'list of strings';
  if (rule.kind === 'integer' || rule.kind === 'number')
    return `${rule.kind === 'integer' ? 'whole number' : 'number'}${rangeOf(rule)}`;
  return {
    flag: 'bool',
    text: 'text',
    path: 'path',
    size: 'size',
    duration: 'duration',
    url: 'URL',
    command: 'command',
  }[rule.kind];
}

function rangeOf({ min, max }: { readonly min?: number; readonly max?: number }): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  return min === undefined ? '' : `, at least ${min}`;
}

function defaultOf(name: string, rule: OptionRule, spec: Spec | undefined): string {
  if (rule.required === true) return 'required';
  const files = spec?.container?.fromFiles[name];
  if (files !== undefined) {
    const shown = files.files.map(
      (file) => `\`${files.as.replaceAll('{file}', file).replaceAll('{stem}', file.replace(/\.[^.]*$/, ''))}\``,
    );
    return `the first whose file is there: ${shown.join(', ')}`;
  }
  return rule.default === undefined || rule.default === ''
    ? '–'
    : `\`${typeof rule.default === 'string' ? rule.default : JSON.stringify(rule.default)}\``;
}
