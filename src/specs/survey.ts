import { parse as parseToml } from 'smol-toml';
import type { SourceSurvey } from '../model/source.ts';

/** The files that say which packages a source needs, at its top. */
export const SURVEYED_FILES = [
  'requirements.txt',
  'pyproject.toml',
  'package.json',
  'pom.xml',
  'build.gradle',
  'build.gradle.kts',
] as const;

/** Larger ones are not looked at: whatever they hold, a person can name the spec. */
export const SURVEYED_BYTES = 256 * 1024;

const MAX_NAMES = 400;
const MAX_NAME = 100;

/** Nothing is said. */
export const EMPTY_SURVEY: SourceSurvey = { dependencies: [], scripts: [] };

/** What these files say. What can't be read says nothing: it is the build that will say what is wrong with it. */
export function surveyOf(files: Readonly<Partial<Record<(typeof SURVEYED_FILES)[number], string>>>): SourceSurvey {
  const manifest = jsonOf(files['package.json'] ?? '');
  const python = [...requirements(files['requirements.txt'] ?? ''), ...pyproject(files['pyproject.toml'] ?? '')];
  const java = [
    ...maven(files['pom.xml'] ?? ''),
    ...gradle(files['build.gradle'] ?? ''),
    ...gradle(files['build.gradle.kts'] ?? ''),
  ];
  const named = [
    ...python.map((name) => `python:${name.toLowerCase().replace(/[-_.]+/g, '-')}`),
    ...namesIn(manifest.dependencies).map((name) => `node:${name}`),
    ...java.map((name) => `java:${name}`),
  ];
  return { dependencies: bounded(named), scripts: bounded(namesIn(manifest.scripts)) };
}

function bounded(names: readonly string[]): readonly string[] {
  return [...new Set(names.filter((name) => name.length <= MAX_NAME))].sort().slice(0, MAX_NAMES);
}

const REQUIREMENT = /^\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:$|[[<>=!~;@#\s])/;

function requirements(text: string): string[] {
  return text.split('\n').flatMap((line) => requirement(line));
}

/** The name in a requirement (PEP 508). */
function requirement(text: string): string[] {
  const name = REQUIREMENT.exec(text)?.[1];
  return name === undefined ? [] : [name];
}

function pyproject(text: string): string[] {
  const table = tomlOf(text);
  const named = listIn(table, 'project', 'dependencies').flatMap((one) =>
    typeof one === 'string' ? requirement(one) : [],
  );
  return [...named, ...namesIn(at(table, 'tool', 'poetry', 'dependencies'))];
}

function maven(text: string): string[] {
  return [...text.matchAll(/<artifactId>\s*([A-Za-z0-9._-]+)\s*<\/artifactId>/g)].map(([, name = '']) => name);
}

/** Coordinates (`group:name:version`) and the names of plugins. */
function gradle(text: string): string[] {
  const coordinates = [...text.matchAll(/["'][A-Za-z0-9._-]+:([A-Za-z0-9._-]+)(?::[^"']*)?["']/g)];
  const plugins = [...text.matchAll(/\bid\s*\(?\s*["']([A-Za-z0-9._-]+)["']/g)];
  return [...coordinates, ...plugins].map(([, name = '']) => name);
}

function tomlOf(text: string): unknown {
  try {
    return parseToml(text);
  } catch {
    return {};
  }
}

function jsonOf(text: string): { readonly dependencies?: unknown; readonly scripts?: unknown } {
  try {
    const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

function at(table: unknown, ...path: readonly string[]): unknown {
  let value = table;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

function listIn(table: unknown, ...path: readonly string[]): readonly unknown[] {
  const value = at(table, ...path);
  return Array.isArray(value) ? value : [];
}

function namesIn(value: unknown): string[] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
}
