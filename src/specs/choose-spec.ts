import { distance } from 'fastest-levenshtein';
import type { ErrorCode, Problem } from '../model/errors.ts';
import type { ResolvedSource } from '../model/source.ts';
import { type Spec, type SpecBook, specNamed } from '../model/spec.ts';
import { formatProcfileFault, webCommand } from './procfile.ts';

/** What is looked at to find a spec: the top of the source folder, and what its manifests name. */
export type SourceFiles = Pick<ResolvedSource, 'entries' | 'procfile' | 'survey'>;

/** The spec that an app gets, and for `auto` what was found, for the plan. */
export interface ChosenSpec {
  readonly spec: Spec;
  readonly found: string | null;
}

/** The spec that a declaration means: the named one, or for `auto` what the files say. A problem where that can't be used. */
export function chooseSpec(name: string, files: SourceFiles | null, book: SpecBook): ChosenSpec | Problem {
  if (name === 'auto') return files === null ? noSource() : detectSpec(files, book);
  const spec = specNamed(name, book);
  if (spec === undefined) return unknownSpec(name, book);
  if (!spec.rules.needsSource) return { spec, found: null };
  if (files === null) return noSource(name);
  return unusable(spec, files) ?? { spec, found: null };
}

/** Whether choosing gave a spec. */
export function isChosen(chosen: ChosenSpec | Problem): chosen is ChosenSpec {
  return 'spec' in chosen;
}

/** What `auto` makes of the files of a source folder: the first spec by order whose files are there. */
export function detectSpec(files: SourceFiles, book: SpecBook): ChosenSpec | Problem {
  for (const spec of detectable(book)) {
    const found = foundBy(spec, files);
    if (found !== null) return unusable(spec, files) ?? { spec, found };
  }
  return problem(
    'spec-undetected',
    `spec "auto": found ${listed(files.entries)}, expected a Containerfile or Dockerfile, a Procfile, an index.html, ` +
      `a requirements.txt, pyproject.toml or package.json that names a framework we know, or a go.mod at the top of the source folder`,
    'Add one of them, name the subfolder in the source, or name a spec in app().',
  );
}

function detectable(book: SpecBook): readonly Spec[] {
  return Object.values(book)
    .filter(({ detect }) => detect !== undefined)
    .toSorted((a, b) => (a.detect?.order ?? 0) - (b.detect?.order ?? 0) || (a.name < b.name ? -1 : 1));
}

/** By what a spec is found, in words; null: not by these files. */
function foundBy({ detect }: Spec, { entries, survey }: SourceFiles): string | null {
  if (detect === undefined) return null;
  const file = detect.files?.find((name) => entries.includes(name));
  const dependency = detect.dependencies?.find((name) => survey?.dependencies.includes(name));
  const hasScript = detect.script !== undefined && survey?.scripts.includes(detect.script) === true;
  const found: readonly (string | false | undefined)[] = [
    ...(detect.files === undefined ? [] : [file]),
    ...(detect.dependencies === undefined ? [] : [dependency && dependencyWords(dependency)]),
    ...(detect.script === undefined ? [] : [hasScript && `script "${detect.script}" in package.json`]),
  ];
  const words = found.filter((one) => typeof one === 'string');
  return words.length > 0 && words.length === found.length ? words.join(' and ') : null;
}

function dependencyWords(dependency: string): string {
  return `dependency "${dependency.slice(dependency.indexOf(':') + 1)}"`;
}

/** Why the files that are there won't do for a spec. */
function unusable(spec: Spec, files: SourceFiles): Problem | null {
  if (spec.name === 'procfile') return procfileProblem(files);
  const lacking = spec.container?.needs.find((names) => !names.some((name) => files.entries.includes(name)));
  if (lacking === undefined) return null;
  const expected = lacking.map((name) => `"${name}"`).join(' or ');
  return problem(
    'spec-undetected',
    `spec "${spec.name}": found ${listed(files.entries)}, expected ${expected} at the top of the source folder`,
    `Add it, name the subfolder in the source, or name another spec in app().`,
  );
}

function procfileProblem(files: SourceFiles): Problem | null {
  if (files.procfile === null) {
    const message = `spec "procfile": found ${listed(files.entries)}, expected a file Procfile at the top of the source folder`;
    return problem('spec-undetected', message, 'Add a Procfile with a line "web: command".');
  }
  const web = webCommand(files.procfile);
  if ('command' in web) return null;
  return problem('spec-undetected', formatProcfileFault(web), 'A line of a Procfile is "web: command".');
}

function unknownSpec(name: string, book: SpecBook): Problem {
  const names = Object.keys(book);
  const nearest = names.toSorted((a, b) => distance(name, a) - distance(name, b))[0] ?? '';
  const guess = distance(name, nearest) <= 3 ? `Did you mean "${nearest}"? ` : '';
  return problem('spec-unknown', `spec "${name}" is not known`, `${guess}There are: auto, ${names.join(', ')}.`);
}

function noSource(name = 'auto'): Problem {
  return problem(
    'spec-undetected',
    `spec "${name}" needs a source, found "-"`,
    'Give app() a source, or spec = "proxy".',
  );
}

/** The names of files, as far as a person reads on. */
export function listed(entries: readonly string[]): string {
  if (entries.length === 0) return 'an empty folder';
  const shown = entries.slice(0, 8).map((entry) => `"${entry}"`);
  return entries.length > shown.length
    ? `${shown.join(', ')} and ${entries.length - shown.length} more`
    : shown.join(', ');
}

/** A problem that only a change in git can mend. */
export function problem(code: ErrorCode, message: string, hint: string): Problem {
  return { code, message, hint, retry: 'needs-human' };
}
