import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../imports.ts';

const EXAMPLES = join(root, 'examples/specs');

/** What the Containerfiles of the examples begin with. */
export const EXAMPLE_BASES = [
  'python:3.13-slim',
  'node:24-slim',
  'golang:1.26',
  'maven:3.9-eclipse-temurin-21',
  'eclipse-temurin:21-jre',
];

/** The examples of specs that are built, in the order of their names. */
export const exampleNames: readonly string[] = globSync('*/', { cwd: EXAMPLES }).sort();

/** The files of an example, by their path below a folder that has its name. */
export function exampleFiles(name: string): Record<string, string> {
  const files = globSync(`${name}/**/*`, { cwd: EXAMPLES, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(EXAMPLES.length + 1), readFileSync(path, 'utf8')];
    }),
  );
}
